import { permanent } from '../core/errors.ts';
import { group } from '../core/manifest/names.ts';
import { hasCode } from '../operator/runtime/api-errors.ts';
import type { KubernetesClient } from '../operator/runtime/client.ts';
import type { Resource } from '../operator/runtime/objects.ts';
import type { NewSecret } from './contract.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
/** Of Secrets that were made here; others are never changed. */
export const secretLabel = `${group}/secret`;

/**
 * Makes a Secret with Idra's label, or sets keys of one that has it. The patch tests the label, because without the right to read Secrets
 * it cannot be looked at first.
 */
export async function putSecret(
  client: KubernetesClient,
  { namespace, name, values }: NewSecret,
): Promise<void> {
  const data = Object.fromEntries(
    [...values].map(([key, value]) => [key, Buffer.from(value.reveal()).toString('base64')]),
  );
  try {
    await client.create(secrets, {
      metadata: { namespace, name, labels: { [secretLabel]: 'true' } },
      type: 'Opaque',
      data,
    });
    return;
  } catch (thrown) {
    if (!hasCode(thrown, 'KubernetesAlreadyExists')) throw thrown;
  }
  const pointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
  try {
    await client.patchJson(secrets, { namespace, name }, [
      { op: 'test', path: `/metadata/labels/${pointer(secretLabel)}`, value: 'true' },
      ...Object.entries(data).map(([key, value]) => ({ op: 'add', path: `/data/${pointer(key)}`, value })),
    ]);
  } catch (thrown) {
    if (!hasCode(thrown, 'KubernetesInvalid')) throw thrown;
    throw permanent('SecretNotOurs', `Secret ${namespace}/${name} was not made by Idra`, {
      fix: `choose another name, or change it with kubectl; its owner may give it the label ${secretLabel}: "true"`,
    });
  }
}
