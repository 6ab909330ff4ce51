-- Money that exists in Rialto: accounts, and the transfers between them. Amounts are minor units of the currency (ISO 4217 exponent).

-- Limits are data: an operator changes a row, and the next transfer obeys it.
create table currency (
  code text primary key check (code ~ '^[A-Z]{3}$'),
  number smallint not null unique check (number between 1 and 999), -- ISO 4217
  exponent smallint not null check (exponent between 0 and 4),
  max_transfer bigint not null check (max_transfer > 0),
  max_per_day bigint not null check (max_per_day > 0),
  min_top_up bigint not null check (min_top_up > 0),
  max_top_up bigint not null check (max_top_up >= min_top_up),
  constraint code_with_number unique (code, number)
);
insert into currency (code, number, exponent, max_transfer, max_per_day, min_top_up, max_top_up) values
  ('EUR', 978, 2, 1000000, 2000000, 100, 100000),
  ('USD', 840, 2, 1000000, 2000000, 100, 100000),
  ('JPY', 392, 0, 1500000, 3000000, 100, 150000),
  ('KWD', 414, 3, 3000000, 6000000, 500, 300000);

-- `owner` is the id of a person's account (43 characters) or the name of a system account, which has no floor.
-- `head` is the newest transfer's hash, `seq` counts the transfers. `spent` is what left by transfers on the UTC day `spent_on`.
-- The last three digits of the id are the currency's number: so a plain check keeps the two sides of a transfer in one currency, where
-- foreign keys took a seventh of the ledger's time.
create table account (
  id bigint primary key,
  owner text not null check (length(owner) between 1 and 43),
  currency text not null,
  currency_number smallint not null generated always as ((id % 1000)::smallint) stored,
  is_system boolean not null default false,
  floor bigint default 0,
  posted bigint not null default 0,
  held bigint not null default 0,
  seq bigint not null default 0,
  head bytea not null default decode(repeat('00', 32), 'hex') check (length(head) = 32),
  frozen boolean not null default false,
  spent bigint not null default 0,
  spent_on date not null default date '1970-01-01',
  constraint account_owner unique (owner, currency),
  constraint number_of_currency foreign key (currency, currency_number) references currency (code, number),
  constraint system_by_name check (is_system = (length(owner) <> 43)),
  constraint system_without_floor check (is_system = (floor is null)),
  constraint held_not_negative check (held >= 0),
  constraint no_overdraft check (floor is null or posted - held >= floor)
) with (fillfactor = 50); -- room on each page, so that an update of balances touches no index
create sequence account_number;

-- `processor` is the other side of every top-up: its negative balance is what the payment processor owes us.
-- `receivable` is what people owe after a refund of money that they had already spent. `operator` is for typed corrections.
insert into account (id, owner, currency, is_system, floor)
  select nextval('account_number') * 1000 + number, name, code, true, null from currency, unnest(array['processor', 'receivable', 'operator']) as name;

-- One row moves one amount, so the sum over all accounts is zero by construction. Rows are never changed. The id is made from (scope, key),
-- the idempotency key, so the primary key keeps it unique for ever, and `request_hash` tells whether a repetition asks for the same.
-- kind: 1 transfer, 2 top-up, 3 refund, 4 operator.
create table transfer (
  id uuid primary key,
  scope text not null check (length(scope) between 1 and 43),
  key text not null check (length(key) between 1 and 64),
  request_hash bytea not null check (length(request_hash) = 32),
  debit bigint not null,
  credit bigint not null,
  amount bigint not null constraint amount_positive check (amount > 0),
  kind smallint not null check (kind between 1 and 4),
  debit_seq bigint not null,
  credit_seq bigint not null,
  debit_balance bigint not null,
  credit_balance bigint not null,
  debit_previous bytea not null,
  credit_previous bytea not null,
  debit_salt bytea not null,
  credit_salt bytea not null,
  head bytea not null,
  intent bytea,
  signature bytea,
  memo_hash bytea,
  at timestamptz not null,
  constraint not_to_itself check (debit <> credit),
  constraint debit_seq_once unique (debit, debit_seq),
  constraint credit_seq_once unique (credit, credit_seq),
  constraint one_currency check (debit % 1000 = credit % 1000),
  constraint signed_when_a_transfer check (kind <> 1 or (intent is not null and signature is not null))
);
alter table transfer alter column intent set storage external; -- a few hundred bytes: compressing costs more than it saves

-- Nor does an account ever go away: the ids in a transfer stay names of something.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger only grows' using errcode = '23514';
end $$;
create trigger transfer_immutable before update or delete on transfer for each row execute function refuse_change();
create trigger transfer_not_truncated before truncate on transfer for each statement execute function refuse_change();
create trigger account_stays before delete on account for each row execute function refuse_change();
create trigger account_not_truncated before truncate on account for each statement execute function refuse_change();

-- The app reads statements; money moves only through the functions that follow.
grant select on currency, account, transfer to payments_app;
