-- One row a call, changed only by compare-and-set on `version`. No SDP, no address: ids, devices, times and the reason.
create table call (
  call_id text primary key,
  -- Null in a tombstone: a call that was cancelled before its invite arrived.
  conversation_id text,
  media text check (media in ('audio', 'video')),
  caller text not null,
  caller_device text not null,
  callee text,
  callee_device text,
  state text not null check (state in ('inviting', 'ringing', 'accepted', 'active', 'ended')),
  end_reason text check (end_reason in ('hung-up', 'cancelled', 'declined', 'missed', 'busy', 'merged', 'failed', 'timed-out')),
  merged_into text references call,
  version integer not null default 0 check (version >= 0),
  -- Whether the caller's device has sent a signal since the call was accepted.
  has_caller_spoken boolean not null default false,
  signals_in_window integer not null default 0,
  signal_window_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  answered_at timestamptz,
  ended_at timestamptz,
  check ((state = 'ended') = (end_reason is not null)),
  check ((state = 'ended') = (ended_at is not null)),
  check ((end_reason = 'merged') = (merged_into is not null)),
  check (state = 'ended' or conversation_id is not null),
  check ((conversation_id is null) = (callee is null) and (conversation_id is null) = (media is null)),
  check (state not in ('accepted', 'active') or callee_device is not null)
) with (fillfactor = 70);
create index call_by_caller on call (caller, created_at desc);
create index call_by_callee on call (callee, created_at desc);
-- Calls that may meet head-on.
create index call_unanswered on call (conversation_id, created_at) where state in ('inviting', 'ringing');

-- A device sits in one live call at a time; the key is what makes a device busy.
create table seat (
  device_id text primary key,
  call_id text not null references call
);
create index seat_by_call on seat (call_id);

grant select, insert, update, delete on call to calls_app;
grant select, insert, delete on seat to calls_app;
