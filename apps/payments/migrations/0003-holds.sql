-- Money set aside for a transfer that is decided later: pending, then posted or voided. A hold is a whole request already, so what is
-- captured is exactly what was asked for, under the same idempotency key; its id is the id that the transfer will have.
create table hold (
  id uuid primary key,
  scope text not null check (length(scope) between 1 and 43),
  key text not null check (length(key) between 1 and 64),
  request_hash bytea not null check (length(request_hash) = 32),
  debit bigint not null,
  credit bigint not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  kind smallint not null check (kind between 1 and 4),
  intent bytea,
  signature bytea,
  memo_hash bytea,
  state text not null default 'pending' check (state in ('pending', 'posted', 'voided')),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  constraint one_currency check (debit % 1000 = credit % 1000)
);
grant select on hold to payments_app;

-- Sets the amount aside until the hold is captured or released. Limits and balance are checked now, and the day's limit is used now.
create function place_hold(p_scope text, p_key text, p_debit bigint, p_credit bigint, p_currency text, p_amount bigint,
    p_kind smallint, p_intent bytea, p_signature bytea, p_memo_hash bytea, p_lifetime_ms bigint)
  returns table (status text, id uuid, expires_at timestamptz)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
  d account; c account; y currency; hash bytea; old record; spent_today bigint;
  hold_id constant uuid := transfer_id(p_scope, p_key);
begin
  perform from account a where a.id in (p_debit, p_credit) order by a.id for no key update;
  select * into d from account a where a.id = p_debit;
  select * into c from account a where a.id = p_credit;
  select * into y from currency k where k.code = p_currency;
  hash := request_hash(hold_id, d.owner, c.owner, p_amount, p_currency, p_kind, p_intent);
  select h.id, h.request_hash, h.expires_at into old from hold h where h.id = hold_id;
  if found then
    return query select case when old.request_hash = hash then 'replayed' else 'conflict' end, old.id, old.expires_at;
    return;
  end if;
  spent_today := case when d.spent_on >= today then d.spent else 0 end;
  status := case
    when exists (select from transfer t where t.id = hold_id) then 'conflict'
    when p_amount <= 0 or p_debit = p_credit or p_lifetime_ms <= 0 then 'malformed'
    when d.currency is distinct from p_currency or c.currency is distinct from p_currency then 'currency-unknown'
    when d.frozen or c.frozen then 'frozen'
    when p_amount > y.max_transfer then 'over-transfer-limit'
    when d.floor is not null and d.posted - d.held - p_amount < d.floor then 'insufficient'
    when not d.is_system and spent_today + p_amount > y.max_per_day then 'over-day-limit'
    else 'held' end;
  if status = 'held' then
    update account a set held = a.held + p_amount, spent = spent_today + p_amount, spent_on = greatest(a.spent_on, today) where a.id = p_debit;
    insert into hold (id, scope, key, request_hash, debit, credit, currency, amount, kind, intent, signature, memo_hash, expires_at)
      values (hold_id, p_scope, p_key, hash, p_debit, p_credit, p_currency, p_amount, p_kind, p_intent, p_signature, p_memo_hash,
        clock_timestamp() + p_lifetime_ms * interval '1 millisecond')
      returning hold.id, hold.expires_at into id, expires_at;
  end if;
  return next;
end $$;

-- Posts the transfer that a hold stands for. An expired hold is not captured any more, even when its release is still due.
create function capture_hold(p_id uuid) returns text
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
declare h hold; posting record; accounts bigint[];
begin
  select * into h from hold x where x.id = p_id for update;
  if not found then return 'unknown'; end if;
  if h.state = 'posted' then return 'replayed'; end if;
  if h.state = 'voided' then return 'voided'; end if;
  if h.expires_at <= clock_timestamp() then return 'expired'; end if;
  accounts := array[least(h.debit, h.credit), greatest(h.debit, h.credit)];
  perform from account a where a.id = any (accounts) order by a.id for no key update;
  update account a set held = a.held - h.amount where a.id = h.debit;
  update hold x set state = 'posted' where x.id = p_id; -- which tells post_many that this is a capture
  select * into posting from post_many(accounts, array[h.scope], array[h.key],
    array[array_position(accounts, h.debit)], array[array_position(accounts, h.credit)], array[h.currency], array[h.amount], array[h.kind],
    array[h.intent], array[h.signature], array[h.memo_hash], array[null::timestamptz]);
  if posting.status <> 'posted' then -- frozen since: the hold stays until it is released
    update account a set held = a.held + h.amount where a.id = h.debit;
    update hold x set state = 'pending' where x.id = p_id;
  end if;
  return posting.status;
end $$;

-- Gives the amount back. With `p_only_expired` a hold that still has time is left alone.
create function release_hold(p_id uuid, p_only_expired boolean) returns text
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
declare h hold;
begin
  select * into h from hold x where x.id = p_id for update;
  if not found then return 'unknown'; end if;
  if h.state <> 'pending' then return h.state; end if;
  if p_only_expired and h.expires_at > clock_timestamp() then return 'pending'; end if;
  update account a set held = a.held - h.amount where a.id = h.debit;
  update hold x set state = 'voided' where x.id = p_id;
  return 'voided';
end $$;

revoke execute on function place_hold, capture_hold, release_hold from public;
grant execute on function place_hold, capture_hold, release_hold to payments_app;
