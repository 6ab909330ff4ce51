-- People, their devices and their handles. Every row is public to whoever is signed in: nothing here is secret.
create table account (
  account_id text collate "C" primary key check (account_id ~ '^[A-Za-z0-9_-]{43}$'),
  display_name text,
  chain bytea not null,
  chain_seq integer not null check (chain_seq >= 0),
  created_at timestamptz(3) not null default now()
);
comment on table account is 'An account is the hash of its first chain entry; its device chain proves itself, so this table is a copy that readers verify.';
comment on column account.chain is 'The whole device chain, verbatim. Grows by compare-and-set on chain_seq under the row lock.';
comment on column account.chain_seq is 'The number of the newest chain entry; the first is 0.';
grant select, insert on account to identity_app;
grant update (display_name, chain, chain_seq) on account to identity_app;

create table device (
  device_id text collate "C" primary key check (device_id ~ '^[A-Za-z0-9_-]{22}$'),
  account_id text collate "C" not null references account,
  device_key bytea not null check (octet_length(device_key) = 32),
  added_at timestamptz(3) not null default now(),
  revoked_at timestamptz(3),
  last_seen_at timestamptz(3)
);
create index device_account on device (account_id);
create index device_revoked on device (revoked_at) where revoked_at is not null;
comment on table device is 'What the chains say, unrolled so that opening a session reads one row. A device id is used once by anybody: other services key by it.';
comment on column device.device_key is 'Ed25519; signs sessions and device-signed operations.';
comment on column device.last_seen_at is 'When its last session was opened.';
grant select, insert on device to identity_app;
grant update (revoked_at, last_seen_at) on device to identity_app;

create table handle (
  handle text collate "C" primary key check (handle ~ '^[a-z0-9_]{3,30}$'),
  account_id text collate "C" not null unique references account,
  claimed_at timestamptz(3) not null default now()
);
comment on table handle is 'Handles are given once and never again: no update and no delete is granted, so a row outlives its account as a tombstone.';
grant select, insert on handle to identity_app;

create table used_nonce (
  nonce text collate "C" primary key,
  expires_at timestamptz(3) not null
);
create index used_nonce_expiry on used_nonce (expires_at);
comment on table used_nonce is 'Challenges that opened a session, kept until they expire by themselves: a replayed session request finds its nonce here.';
grant select, insert, delete on used_nonce to identity_app;
