import { homedir } from 'node:os';
import { join } from 'node:path';

/** Everything that the environment says, read once. */
export interface Environment {
  readonly url: string | undefined;
  /** Where profiles are, one directory each. */
  readonly home: string;
  readonly profile: string;
  readonly passphrase: string | undefined;
  readonly hasColour: boolean;
}
/** Where a server is looked for that nobody has named. */
export const DEFAULT_URL = 'http://localhost:7420';

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const data = env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');
  return {
    url: env['RIALTO_URL'],
    home: env['RIALTO_HOME'] ?? join(data, 'rialto'),
    profile: env['RIALTO_PROFILE'] ?? 'default',
    passphrase: env['RIALTO_PASSPHRASE'],
    hasColour: process.stdout.isTTY && env['NO_COLOR'] === undefined,
  };
}
