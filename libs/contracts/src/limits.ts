/** Every limit that people can meet, by name. Sizes in bytes of what is carried, before base64url. */
export const MAX_HTTP_BODY_BYTES = 1_500_000;
export const MAX_SOCKET_FRAME_BYTES = 1_500_000;
export const MAX_NATS_PAYLOAD_BYTES = 4_194_304;

export const MAX_MESSAGE_BYTES = 65_536;
export const MAX_COMMIT_BYTES = 262_144;
export const MAX_GROUP_INFO_BYTES = 262_144;
export const MAX_WELCOME_BYTES = 262_144;
/** Commit, welcome and group info of one epoch together. */
export const MAX_COMMIT_BUNDLE_BYTES = 786_432;
export const MAX_LEAVES = 100;
export const MAX_DEVICES_PER_ACCOUNT = 10;
export const MAX_CHAIN_BYTES = 32_768;
export const MAX_CHAIN_ENTRY_BYTES = 1_024;

export const MAX_KEY_PACKAGE_BYTES = 8_192;
export const MAX_KEY_PACKAGES_PER_CALL = 50;
export const MAX_KEY_PACKAGES_STORED = 100;
/** Below this number the device is told to upload more. */
export const LOW_KEY_PACKAGES = 10;

export const MIN_HANDLE_CHARS = 3;
export const MAX_HANDLE_CHARS = 30;
export const MAX_DISPLAY_NAME_CHARS = 50;

/** Messages that a stranger may leave before the conversation is accepted. */
export const MAX_REQUEST_MESSAGES = 10;
/** Unanswered conversation requests that an account may hold open towards others. */
export const MAX_OPEN_REQUESTS = 50;
/** How many epochs back a message may be when it is sent. */
export const MAX_PAST_EPOCHS = 2;
export const MESSAGE_RETENTION_DAYS = 30;

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

export const MAX_SIGNAL_BYTES = 65_536;
export const SIGNAL_LIFETIME_MS = 60_000;

export const TOKEN_LIFETIME_MS = 300_000;
export const CHALLENGE_LIFETIME_MS = 60_000;
/** How far a device's clock may be off when it signs in. */
export const MAX_CLOCK_SKEW_MS = 120_000;
export const MAX_INTENT_LIFETIME_MS = 600_000;
/** A signed intent has ten short fields. It is stored for ever and stands in both statements, so a page of them must fit one answer. */
export const MAX_INTENT_BYTES = 2_048;

export const MAX_UNACKED_DISPATCHES = 256;
export const SOCKET_HEARTBEAT_MS = 30_000;
/** How long a gateway keeps what a vanished socket has not acknowledged. */
export const SOCKET_RESUME_MS = 60_000;
export const MAX_CALLS_IN_FLIGHT = 512;

export const CALL_INVITE_TIMEOUT_MS = 60_000;
export const CALL_RING_TIMEOUT_MS = 45_000;
export const CALL_ACCEPT_TIMEOUT_MS = 10_000;
export const CALL_CONNECT_TIMEOUT_MS = 20_000;
export const CALL_STALL_MS = 1_500;
export const CALL_GIVE_UP_MS = 30_000;
export const TURN_CREDENTIAL_LIFETIME_MS = 600_000;
