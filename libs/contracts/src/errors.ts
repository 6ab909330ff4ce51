/** Every error that a caller can meet. A row says what the caller should do; a code without a row does not compile. */
export const ERRORS = {
  'invalid-input': {
    status: 400,
    retryable: false,
    meaning: 'The request does not match the schema. The details name the fields.',
  },
  unauthenticated: { status: 401, retryable: false, meaning: 'Sign in with a device first.' },
  'token-expired': {
    status: 401,
    retryable: true,
    meaning: 'The session token has expired. Sign in again, then repeat the call.',
  },
  'device-revoked': { status: 401, retryable: false, meaning: 'This device was removed from the account.' },
  'signature-invalid': { status: 403, retryable: false, meaning: 'The signature does not fit the signed bytes and the key.' },
  forbidden: { status: 403, retryable: false, meaning: 'This caller may not do that.' },
  'origin-refused': { status: 403, retryable: false, meaning: 'This server does not answer for that origin.' },
  'not-found': { status: 404, retryable: false, meaning: 'There is nothing here, or it is not for you.' },
  conflict: { status: 409, retryable: false, meaning: 'The same id was used before with other content.' },
  'payload-too-large': { status: 413, retryable: false, meaning: 'The body is over the limit.' },
  'unsupported-media-type': { status: 415, retryable: false, meaning: 'Send JSON as UTF-8, with its content type.' },
  'rate-limited': { status: 429, retryable: true, meaning: 'Too many requests. Wait as long as Retry-After says.' },
  internal: { status: 500, retryable: true, meaning: 'Something broke on our side. The request id finds it in the log.' },
  unavailable: { status: 503, retryable: true, meaning: 'The service cannot be reached just now; nothing was done.' },
  'outcome-unknown': {
    status: 504,
    retryable: true,
    meaning: 'No answer came in time. Repeat the call with the same idempotency key.',
  },

  'handle-taken': { status: 409, retryable: false, meaning: 'Somebody has this handle, or had it once. Choose another.' },
  'handle-reserved': { status: 422, retryable: false, meaning: 'This handle is reserved. Choose another.' },
  'account-has-handle': { status: 409, retryable: false, meaning: 'The account has a handle already.' },
  'chain-invalid': {
    status: 422,
    retryable: false,
    meaning: 'The device chain does not verify, or does not continue what is stored.',
  },
  'chain-stale': { status: 409, retryable: true, meaning: 'The device chain has moved on. Fetch it and try again.' },
  'key-package-invalid': { status: 422, retryable: false, meaning: 'A key package does not verify, or is not of this device.' },

  'not-a-member': { status: 403, retryable: false, meaning: 'Only members of the conversation may do that.' },
  'not-reachable': { status: 403, retryable: false, meaning: 'This person does not take that from you.' },
  'stale-epoch': { status: 409, retryable: true, meaning: 'The group has moved on. Read the log, then try again.' },
  'commit-refused': { status: 422, retryable: false, meaning: 'The commit breaks the policy of the group.' },
  'request-full': { status: 429, retryable: false, meaning: 'Wait until the other person accepts the conversation.' },

  'intent-expired': { status: 422, retryable: false, meaning: 'The signed intent has expired. Sign a new one.' },
  'intent-invalid': { status: 422, retryable: false, meaning: 'The intent is not for this ledger, or not from this account.' },
  'insufficient-funds': { status: 402, retryable: false, meaning: 'The balance does not cover the amount.' },
  'limit-exceeded': { status: 422, retryable: false, meaning: 'The amount is over a limit of the account. The details name it.' },
  'account-frozen': { status: 403, retryable: false, meaning: 'One of the accounts is frozen.' },
  'currency-unknown': { status: 422, retryable: false, meaning: 'This ledger does not keep that currency.' },
  'processor-unavailable': {
    status: 503,
    retryable: true,
    meaning: 'The payment processor does not answer. Nothing was charged.',
  },
  'webhook-refused': { status: 400, retryable: false, meaning: 'The webhook is not signed as it should be, or is too old.' },

  'call-ended': { status: 409, retryable: false, meaning: 'The call is over. The details carry its last state.' },
  'call-elsewhere': { status: 409, retryable: false, meaning: 'Another device took the call.' },
  busy: { status: 409, retryable: false, meaning: 'This device is in another call.' },
} as const satisfies Record<string, { status: number; retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that every operation may answer; an operation lists only its own. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  'invalid-input',
  'unauthenticated',
  'token-expired',
  'device-revoked',
  'signature-invalid',
  'forbidden',
  'not-found',
  'conflict',
  'payload-too-large',
  'unsupported-media-type',
  'rate-limited',
  'unavailable',
  'outcome-unknown',
  'internal',
];

export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code);

/**
 * An expected failure. Plain data: it crosses NATS, the socket and HTTP as `{ code, details }`. `details` is for the caller to read,
 * so it holds no secrets; `cause` is for the log and stays in the process.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  constructor(code: ErrorCode, details?: unknown, cause?: unknown) {
    super(code, { cause });
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }
  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
