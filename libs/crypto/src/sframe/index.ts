/** The door for media workers: RFC 9605 on WebCrypto, and nothing else. */
export { decryptFrame, encryptFrame, REPLAY_WINDOW, SframeReceiver, SframeSender } from './frame.ts';
export { decodeHeader, encodeHeader, MAX_SFRAME_INTEGER, type SframeHeader } from './header.ts';
export { deriveSframeKey, type SframeKey, type SframeSuite } from './key.ts';
export { SframeError, type SframeProblem } from './sframe-error.ts';
