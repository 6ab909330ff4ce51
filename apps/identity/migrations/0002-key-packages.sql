create table key_package (
  ref text collate "C" primary key,
  account_id text collate "C" not null references account,
  device_id text collate "C" not null references device,
  is_last_resort boolean not null,
  bytes bytea not null,
  not_after timestamptz(3) not null,
  published_at timestamptz(3) not null default now()
);
create index key_package_single_use on key_package (device_id, published_at, ref) where not is_last_resort;
create unique index key_package_last_resort on key_package (device_id) where is_last_resort;
alter table key_package alter column bytes set storage external;
comment on table key_package is 'Offers of devices to be added to groups. A single-use one is deleted by the statement that gives it away; the last resort stays.';
grant select, insert, delete on key_package to identity_app;
-- Rows are locked before they are given away, and PostgreSQL asks for UPDATE on one column to lock a row.
grant update (published_at) on key_package to identity_app;

create table spent_key_package (
  ref text collate "C" primary key,
  spent_at timestamptz(3) not null default now()
);
create index spent_key_package_age on spent_key_package (spent_at);
comment on table spent_key_package is 'What was given away, so that a device whose upload is repeated late cannot offer the same package twice.';
grant select, insert, delete on spent_key_package to identity_app;

create table key_package_claim (
  requester text collate "C" not null,
  claim_id text collate "C" not null,
  account_id text collate "C" not null,
  packages jsonb not null,
  claimed_at timestamptz(3) not null default now(),
  primary key (requester, claim_id)
);
create index key_package_claim_age on key_package_claim (claimed_at);
create index key_package_claim_requester on key_package_claim (requester, claimed_at);
comment on table key_package_claim is 'Answers to claims, kept for a day: the same claim id gets the same packages, and claims are counted against the limits.';
grant select, insert, delete on key_package_claim to identity_app;
