/** Actions on the bucket; all others are on objects. */
const ofBucket: readonly string[] = ['s3:ListBucket', 's3:ListBucketMultipartUploads'];

/** A statement of a policy that allows these actions, in one line. */
export function policyFor(bucket: string, prefix: string, actions: readonly string[]): string {
  const statements = [
    { actions: actions.filter((each) => ofBucket.includes(each)), resource: `arn:aws:s3:::${bucket}` },
    {
      actions: actions.filter((each) => !ofBucket.includes(each)),
      resource: `arn:aws:s3:::${bucket}/${prefix}*`,
    },
  ];
  return statements
    .filter((each) => each.actions.length > 0)
    .map(({ actions: Action, resource: Resource }) => JSON.stringify({ Effect: 'Allow', Action, Resource }))
    .join(', ');
}
