import type { ConnectionOptions } from 'mysql2';
import mysql from 'mysql2';
import { type PasswordRule, requireConfidential } from '../../sql/connection/password-rule.ts';

/**
 * The driver's own, but for the moment in which the password itself would be sent: in clear, or sealed with a key that whoever answers has
 * chosen. `caching_sha2_password` and `mysql_native_password` otherwise send a proof that one knows it.
 */
export function authPlugins(rule: PasswordRule): NonNullable<ConnectionOptions['authPlugins']> {
  const sha2 = (name: string) => ({
    onServerPublicKey: () =>
      requireConfidential(rule, `${name}, as at a first login or for a wrong password`, true),
  });
  return {
    caching_sha2_password: mysql.authPlugins.caching_sha2_password({
      ...sha2('caching_sha2_password'),
      overrideIsSecure: rule.channel !== 'plain',
    }),
    sha256_password: mysql.authPlugins.sha256_password(sha2('sha256_password')),
    mysql_clear_password: (metadata) => {
      requireConfidential(rule, 'mysql_clear_password');
      return mysql.authPlugins.mysql_clear_password()(metadata);
    },
  };
}
