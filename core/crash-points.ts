/**
 * Named points at every durable step, where a test can kill, pause or delay the process. In production no hook is installed and a point
 * costs one comparison. Tests install a hook with `node --import`.
 */
export const crashPoints = [
  'claim:before',
  'claim:after',
  'pass:before-begin',
  'write:before',
  'commit:before',
  'commit:after',
  'mirror:before',
  'mirror:after',
  'acknowledge:before',
  'acknowledge:after',
  'pass:before-end',
  'pass:after-end',
  'release:before',
  'release:after',
  'etcd:before-transaction',
  'etcd:after-transaction',
  'request:before-finish',
  'operator:before-write',
  'operator:after-write',
] as const;

export type CrashPoint = (typeof crashPoints)[number];
export type CrashHook = (point: CrashPoint) => Promise<void> | void;

let hook: CrashHook | undefined;

/** Tests only: the hook is called and awaited at each point. */
export function installCrashHook(installed: CrashHook | undefined): void {
  hook = installed;
}

export function reach(point: CrashPoint): Promise<void> | void {
  return hook === undefined ? undefined : hook(point);
}
