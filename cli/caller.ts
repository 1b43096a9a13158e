import { userInfo } from 'node:os';

/** Who calls, as far as this machine knows. The user of a pod has a number and often no name. */
export function caller(nameOf: () => string = () => userInfo().username): string {
  try {
    return nameOf();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw thrown;
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
