import { Handle } from '@rialto/contracts';

export type HandleProblem = 'malformed' | 'reserved';

/** Names that would pass for the operator, for a part of the product, or for everybody. Compared by skeleton. */
// prettier-ignore
const RESERVED = [
  'abuse', 'account', 'admin', 'administrator', 'all', 'anonymous', 'api', 'app', 'bank', 'billing', 'bot', 'call', 'calls', 'channel',
  'contact', 'deleted', 'demo', 'dev', 'docs', 'everyone', 'example', 'false', 'group', 'guest', 'handle', 'health', 'help', 'here',
  'hostmaster', 'info', 'ledger', 'legal', 'login', 'mail', 'me', 'mod', 'moderator', 'news', 'nobody', 'noreply', 'null', 'official',
  'operator', 'owner', 'pay', 'payment', 'payments', 'postmaster', 'privacy', 'register', 'rialto', 'rialtoapp', 'rialtohelp',
  'rialtoofficial', 'rialtopay', 'rialtosupport', 'rialtoteam', 'root', 'safety', 'security', 'self', 'service', 'settings', 'signin',
  'signup', 'simulated', 'staff', 'status', 'stripe', 'support', 'sysadmin', 'system', 'team', 'terms', 'test', 'true', 'undefined',
  'unknown', 'user', 'verified', 'wallet', 'webmaster', 'witness', 'www', 'you',
];

const LOOK_ALIKES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  i: 'l',
};
/** What the eye makes of a handle: underscores vanish, digits read as the letters that they imitate, and i as l. */
const skeletonOf = (handle: string): string =>
  Array.from(handle.replaceAll('_', ''), (sign) => LOOK_ALIKES[sign] ?? sign).join('');
const RESERVED_SKELETONS: ReadonlySet<string> = new Set(RESERVED.map(skeletonOf));

/** A handle as people type it, folded: `@Ben` is `ben`. */
export const foldHandle = (typed: string): string => typed.trim().replace(/^@/, '').toLowerCase();

/** Why nobody can have this folded handle, if so. A handle needs a letter, so that it is never read as a number or a line. */
export function handleProblem(handle: string): HandleProblem | null {
  if (!Handle.safeParse(handle).success || !/[a-z]/.test(handle)) return 'malformed';
  return RESERVED_SKELETONS.has(skeletonOf(handle)) ? 'reserved' : null;
}
