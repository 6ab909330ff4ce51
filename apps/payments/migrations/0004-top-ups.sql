-- A top-up is committed before the processor hears of it. Its id is the idempotency key of its credit.
create table top_up (
  id text primary key check (length(id) = 26),
  owner text not null check (length(owner) = 43),
  currency text not null references currency,
  amount bigint not null check (amount > 0),
  state text not null default 'creating' check (state in ('creating', 'open', 'paid', 'failed', 'expired')),
  session_id text unique,
  payment_intent_id text unique,
  checkout_url text,
  transfer_id uuid unique,
  refunded bigint not null default 0 check (refunded between 0 and amount),
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  constraint paid_with_transfer check ((state = 'paid') = (transfer_id is not null))
);
create index top_up_unfinished on top_up (created_at) where state in ('creating', 'open');

-- Every event of the processor that was taken in, with what it led to. Its id makes a repeated delivery harmless.
create table stripe_event (
  id text primary key check (length(id) <= 255),
  type text not null check (length(type) <= 255),
  object_id text,
  outcome text not null check (outcome in ('applied', 'ignored')),
  created_at timestamptz not null,
  received_at timestamptz not null default clock_timestamp()
);

-- Each refund of the processor and the transfer that took the money back.
create table top_up_refund (
  id text primary key check (length(id) <= 255),
  top_up_id text not null references top_up,
  amount bigint not null check (amount > 0),
  transfer_id uuid not null unique,
  at timestamptz not null default clock_timestamp()
);

grant select, insert, update on top_up to payments_app;
grant select, insert on stripe_event, top_up_refund to payments_app;

-- Money that was refunded after it was spent: the account is frozen until somebody has looked at it.
create function freeze_debtor(p_account bigint) returns void
  language sql security definer set search_path = payments, pg_temp as $$
  update account set frozen = true where id = p_account and not is_system
$$;
revoke execute on function freeze_debtor from public;
grant execute on function freeze_debtor to payments_app;
