/** What the SDK itself refuses; what the server refuses is an `AppError` of `@rialto/contracts`. */
export const CLIENT_ERRORS = {
  'no-account': 'There is no account in this store. Register first.',
  'account-exists': 'This store holds an account already.',
  elsewhere: 'Another tab or process uses this device just now.',
  'store-locked': 'Another process uses this profile just now.',
  'wrong-key': 'The key or passphrase does not open this store.',
  'store-damaged': 'Something in the store is damaged.',
  closed: 'The client was closed.',
  offline: 'The server cannot be reached just now.',
  'not-accepted': 'Accept the conversation first.',
  'needs-repair': 'This device cannot take part in the conversation until somebody in it adds the device again.',
  'not-opened': 'The conversation could not be opened. Try again to send what you wrote in it.',
  'no-such-conversation': 'There is no such conversation on this device.',
  'no-such-message': 'There is no such message on this device.',
  'phrase-wrong': 'These are not the words of this account.',
  'keys-changed': "This person's keys changed in a way that must not be. Compare safety numbers before you go on.",
  'not-failed': 'Only a failed message can be tried again.',
  'too-long': 'The text is too long for one message.',
  'amount-invalid': 'The amount is not a positive number of minor units.',
  'server-lied': 'The server answered something that cannot be verified.',
  'outbox-full': 'Too many messages wait to be sent in this conversation.',
} as const;
export type ClientErrorCode = keyof typeof CLIENT_ERRORS;
export const isClientErrorCode = (code: unknown): code is ClientErrorCode =>
  typeof code === 'string' && Object.hasOwn(CLIENT_ERRORS, code);

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, cause?: unknown) {
    super(CLIENT_ERRORS[code], { cause });
    this.name = 'ClientError';
    this.code = code;
  }
}
