import type { ConnectionOptions } from 'mysql2';
import mysql from 'mysql2';
import { type PasswordRule, requireConfidential } from '../../sql/connection/password-rule.ts';

/**
 * The driver's own plugins, except where the password itself would be sent: in plain text, or encrypted with a key chosen by the server.
 * Otherwise `caching_sha2_password` and `mysql_native_password` send only a proof of the password.
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
