-- Conversations and the message log. Everything is keyed by conversation first, so it partitions, and shards, by conversation.
--
-- Who locks what, always in this order, so that nobody waits in a circle:
--   1. advisory locks of a pair of accounts (opening a dm, blocking), then of one account (counting its open requests);
--   2. rows of `conversation`, in id order: whoever numbers a row, ends an epoch, accepts or blocks holds the conversation's row;
--   3. rows of `device_cursor`, in (conversation, device) order; acknowledging takes these alone.
-- Everything else is written only under the lock of its conversation or of its cursor.
create table conversation (
  conversation_id text collate "C" primary key check (conversation_id ~ '^cnv_[A-Za-z0-9_-]{22}$'),
  kind text not null check (kind in ('dm', 'group', 'self')),
  created_by text collate "C" not null,
  epoch bigint not null check (epoch >= 0),
  last_seq bigint not null check (last_seq >= 0),
  first_seq bigint not null default 1 check (first_seq between 1 and last_seq + 1),
  roster_version integer not null default 1,
  awaits_acceptance boolean not null,
  request_messages integer not null default 0,
  is_blocked boolean not null default false,
  created_at timestamptz(3) not null default now(),
  active_at timestamptz(3) not null default now()
) with (fillfactor = 50); -- room beside each row, so that counting touches no index (HOT); hence no index on active_at either
create index conversation_open_request on conversation (created_by) where awaits_acceptance;
comment on table conversation is 'A conversation as the sequencer knows it: its epoch, its counter, and who may write. Never what is said.';
comment on column conversation.epoch is 'The MLS epoch that the group is in. A commit that ends another one is stale.';
comment on column conversation.last_seq is 'The number of the newest row. Taken and raised under the row lock, so numbers have no gaps.';
comment on column conversation.first_seq is 'Rows below are gone, or about to go.';
comment on column conversation.roster_version is 'Rises with every change of members, so that remembered rosters can be told apart.';
comment on column conversation.awaits_acceptance is 'Somebody has not accepted yet: messages are counted in request_messages and end at a limit.';
comment on column conversation.is_blocked is 'A dm one of whose accounts has blocked the other. A copy of `block`, kept so that sending reads one row.';
grant select, insert on conversation to messaging_app;
grant update (epoch, last_seq, first_seq, roster_version, awaits_acceptance, request_messages, is_blocked, active_at)
  on conversation to messaging_app;

create table dm (
  first_account text collate "C" not null,
  second_account text collate "C" not null check (first_account < second_account),
  conversation_id text collate "C" not null unique references conversation,
  primary key (first_account, second_account)
);
comment on table dm is 'One conversation a pair of accounts, whoever opens it first.';
grant select, insert on dm to messaging_app;

create table member (
  conversation_id text collate "C" not null references conversation,
  account_id text collate "C" not null,
  standing text not null check (standing in ('accepted', 'requested')),
  primary key (conversation_id, account_id)
);
create index member_account on member (account_id);
comment on table member is 'The accounts of the roster in the group''s policy, which is what counts; this copy answers who may read and write.';
grant select, insert on member to messaging_app;
grant update (standing) on member to messaging_app;

create table block (
  account_id text collate "C" not null,
  blocked_account_id text collate "C" not null check (blocked_account_id <> account_id),
  blocked_at timestamptz(3) not null default now(),
  primary key (account_id, blocked_account_id)
);
comment on table block is 'Who has blocked whom.';
grant select, insert, delete on block to messaging_app;

create table group_info (
  conversation_id text collate "C" primary key references conversation,
  epoch bigint not null,
  bytes bytea not null
) with (fillfactor = 50);
alter table group_info alter column bytes set storage external; -- keys and signatures do not compress, so do not try
comment on table group_info is 'The public state of the group in its present epoch, signed by the last committer: all that judging the next commit needs.';
grant select, insert on group_info to messaging_app;
grant update (epoch, bytes) on group_info to messaging_app;

create table message (
  conversation_id text collate "C" not null,
  seq bigint not null,
  is_commit boolean not null,
  epoch bigint not null,
  sender_account text collate "C" not null,
  sender_device text collate "C" not null,
  client_message_id text collate "C" not null,
  bytes bytea not null,
  at timestamptz(3) not null,
  primary key (conversation_id, seq),
  unique (conversation_id, sender_device, client_message_id)
);
create unique index message_commit on message (conversation_id, epoch) where is_commit;
alter table message alter column bytes set storage external; -- ciphertext does not compress, so do not try
comment on table message is 'The log: commits and sealed messages in one order. Rows go when all devices have them, or after the retention time.';
comment on column message.epoch is 'Of a commit the epoch that it ends (one a conversation), of a message the one that it is sealed in.';
grant select, insert, delete on message to messaging_app;

create table device_cursor (
  conversation_id text collate "C" not null references conversation,
  device_id text collate "C" not null,
  account_id text collate "C" not null,
  acknowledged bigint not null,
  primary key (conversation_id, device_id)
) with (fillfactor = 50);
comment on table device_cursor is 'One row for each leaf of the group, from the row that added it on: how far the device has durably processed the log.';
grant select, insert, delete on device_cursor to messaging_app;
grant update (acknowledged) on device_cursor to messaging_app;

create table welcome (
  device_id text collate "C" not null,
  conversation_id text collate "C" not null references conversation,
  account_id text collate "C" not null,
  seq bigint not null,
  epoch bigint not null,
  from_account text collate "C" not null,
  bytes bytea not null,
  primary key (device_id, conversation_id)
);
alter table welcome alter column bytes set storage external;
comment on table welcome is 'Waits for a device that a commit added, until it acknowledges the row of that commit. A later welcome replaces an earlier one.';
grant select, insert, delete on welcome to messaging_app;
grant update (account_id, seq, epoch, from_account, bytes) on welcome to messaging_app;
