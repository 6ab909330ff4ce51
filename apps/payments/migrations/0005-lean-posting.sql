-- Less work for each transfer; what the functions promise stays as it was (measured in docs/benchmarks.md).

-- What never changes about an account is checked when it is opened, and then refused to change: PostgreSQL would read each of these checks anew for
-- every batch and ask it of every update of a balance. The last three digits of an id are the currency's number.
create function check_opening() returns trigger language plpgsql as $$
begin
  if not exists (select from payments.currency c where c.code = new.currency and c.number = new.id % 1000) then
    raise exception 'the id of an account ends in the number of its currency' using errcode = '23514';
  elsif length(new.owner) not between 1 and 43 or new.is_system <> (length(new.owner) <> 43) or new.is_system <> (new.floor is null) then
    raise exception 'an account has an owner, and only a system account has no floor' using errcode = '23514';
  end if;
  return new;
end $$;
create trigger account_opens before insert on account for each row execute function check_opening();
create trigger account_is_for_ever before update of id, owner, currency, is_system, floor on account for each statement execute function refuse_change();
create trigger currency_is_for_ever before update of code, number or delete on currency for each statement execute function refuse_change();
alter table account drop column currency_number, drop constraint account_owner_check, drop constraint system_by_name, drop constraint system_without_floor;
alter table currency drop constraint code_with_number;

drop function post_many;

-- Posts many transfers in one commit, each as if it came alone after the one before it: posted, replayed, or refused by itself; the answers stand
-- in arrays in the order of the postings. `p_accounts` are the distinct account ids of the batch in descending order and `p_owners` who they
-- belong to; `p_debit` and `p_credit` are positions in them. The rows are locked in that order by everybody, so that no two batches wait for each
-- other, and the oldest come last: the system's accounts, which most transfers touch, are held for the shortest time. Everything else
-- happens in arrays, and is written at the end.
-- What `capture_hold` has marked is posted without limits and expiry: they were checked when the hold was placed.
create function post_many(p_accounts bigint[], p_owners text[], p_scope text[], p_key text[], p_debit int[], p_credit int[],
    p_currency text[], p_amount bigint[], p_kind smallint[], p_intent bytea[], p_signature bytea[], p_memo_hash bytea[], p_expires timestamptz[],
    out statuses text[], out ids uuid[], out debit_seqs bigint[], out credit_seqs bigint[], out debit_balances bigint[],
    out credit_balances bigint[], out debit_heads bytea[], out new_heads bytea[], out at_ms bigint)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  items constant int := cardinality(p_key);
  found_accounts bigint[]; found_owners text[]; currencies text[]; systems boolean[]; floors bigint[]; balances bigint[]; holdings bigint[];
  seqs bigint[]; heads bytea[]; are_frozen boolean[]; spendings bigint[];
  hashes bytea[] := array_fill(null::bytea, array[items]); are_done boolean[]; found_hashes bytea[]; are_captures boolean[];
  codes text[]; maxima bigint[]; days bigint[];
  debit_salts bytea[] := hashes; credit_salts bytea[] := hashes; credit_heads bytea[] := hashes;
  first int; d int; c int; y int; amount bigint; debit_seq bigint; credit_seq bigint; debit_balance bigint; credit_balance bigint; next_head bytea;
  is_limited boolean; now_ timestamptz; today constant date := (clock_timestamp() at time zone 'UTC')::date;
begin
  statuses := array_fill(null::text, array[items]); ids := array_fill(null::uuid, array[items]);
  debit_seqs := array_fill(null::bigint, array[items]); credit_seqs := debit_seqs;
  debit_balances := debit_seqs; credit_balances := debit_seqs; debit_heads := hashes; new_heads := hashes;
  select array_agg(code), array_agg(max_transfer), array_agg(max_per_day) into codes, maxima, days from currency;
  -- What never changes is computed before the locks, so that others wait for less.
  for i in 1..items loop
    ids[i] := transfer_id(p_scope[i], p_key[i]);
    hashes[i] := request_hash(ids[i], p_owners[p_debit[i]], p_owners[p_credit[i]], p_amount[i], p_currency[i], p_kind[i], p_intent[i]);
    debit_salts[i] := uuid_send(gen_random_uuid()); credit_salts[i] := uuid_send(gen_random_uuid());
  end loop;
  select array_agg(q.id), array_agg(q.owner), array_agg(q.currency), array_agg(q.is_system), array_agg(q.floor), array_agg(q.posted),
      array_agg(q.held), array_agg(q.seq), array_agg(q.head), array_agg(q.frozen), array_agg(case when q.spent_on >= today then q.spent else 0 end)
    into found_accounts, found_owners, currencies, systems, floors, balances, holdings, seqs, heads, are_frozen, spendings
    from (select a.* from account a where a.id = any (p_accounts) order by a.id desc for no key update) q;
  if found_accounts is distinct from p_accounts or found_owners is distinct from p_owners then
    raise exception 'accounts must exist, be whose they are said to be, and come in descending order of their ids' using errcode = '22023';
  end if;
  now_ := date_trunc('milliseconds', clock_timestamp()); -- after the locks, so that times follow the sequence numbers
  at_ms := extract(epoch from now_) * 1000;
  -- A statement after the locks sees what the batches before this one have committed.
  select array_agg(t.id is not null order by u.n), array_agg(coalesce(t.request_hash, h.request_hash) order by u.n),
      array_agg(t.id is null and h.state = 'posted' order by u.n)
    into are_done, found_hashes, are_captures
    from unnest(ids) with ordinality as u (id, n) left join transfer t on t.id = u.id left join hold h on h.id = u.id;
  for i in 1..items loop
    d := p_debit[i]; c := p_credit[i]; amount := p_amount[i]; is_limited := p_kind[i] = 1 and are_captures[i] is not true;
    first := array_position(ids, ids[i]);
    if found_hashes[i] is not null and are_captures[i] is not true then
      statuses[i] := case when are_done[i] and found_hashes[i] = hashes[i] then 'replayed' else 'conflict' end;
      continue;
    elsif first < i then
      statuses[i] := case when hashes[first] <> hashes[i] then 'conflict' when statuses[first] = 'posted' then 'replayed'
        else statuses[first] end;
      continue;
    elsif amount is null or amount <= 0 or d = c then statuses[i] := 'malformed'; continue;
    elsif currencies[d] <> p_currency[i] or currencies[c] <> p_currency[i] then statuses[i] := 'currency-unknown'; continue;
    elsif are_frozen[d] or are_frozen[c] then
      if p_kind[i] = 1 then statuses[i] := 'frozen'; continue; end if;
    end if;
    if is_limited then
      y := array_position(codes, p_currency[i]);
      if p_expires[i] <= now_ then statuses[i] := 'expired'; continue; end if;
      if p_expires[i] > now_ + interval '10 minutes' then statuses[i] := 'lives-too-long'; continue; end if;
      if amount > maxima[y] then statuses[i] := 'over-transfer-limit'; continue; end if;
    end if;
    debit_balance := balances[d] - amount;
    if debit_balance - holdings[d] < floors[d] then statuses[i] := 'insufficient'; continue; end if;
    if is_limited and not systems[d] then
      if spendings[d] + amount > days[y] then statuses[i] := 'over-day-limit'; continue; end if;
      spendings[d] := spendings[d] + amount;
    end if;
    debit_seq := seqs[d] + 1; credit_seq := seqs[c] + 1; credit_balance := balances[c] + amount;
    -- Each party's link hides its balance behind a salt; the head binds both links and the request (docs/decisions/0003).
    next_head := sha256(sha256(debit_salts[i] || heads[d] || int8send(debit_seq) || int8send(debit_balance))
      || sha256(credit_salts[i] || heads[c] || int8send(credit_seq) || int8send(credit_balance)) || hashes[i]);
    debit_heads[i] := heads[d]; credit_heads[i] := heads[c]; new_heads[i] := next_head;
    heads[d] := next_head; heads[c] := next_head; seqs[d] := debit_seq; seqs[c] := credit_seq;
    balances[d] := debit_balance; balances[c] := credit_balance;
    debit_seqs[i] := debit_seq; credit_seqs[i] := credit_seq; debit_balances[i] := debit_balance; credit_balances[i] := credit_balance;
    statuses[i] := 'posted';
  end loop;
  update account a set posted = balances[v.n], seq = seqs[v.n], head = heads[v.n], spent = spendings[v.n], spent_on = greatest(a.spent_on, today)
    from unnest(p_accounts) with ordinality as v (id, n) where a.id = v.id and a.seq <> seqs[v.n];
  insert into transfer (id, scope, key, request_hash, debit, credit, amount, kind, debit_seq, credit_seq, debit_balance, credit_balance,
      debit_previous, credit_previous, debit_salt, credit_salt, head, intent, signature, memo_hash, at)
    select ids[n], p_scope[n], p_key[n], hashes[n], p_accounts[p_debit[n]], p_accounts[p_credit[n]], p_amount[n], p_kind[n], debit_seqs[n],
      credit_seqs[n], debit_balances[n], credit_balances[n], debit_heads[n], credit_heads[n], debit_salts[n], credit_salts[n], new_heads[n],
      p_intent[n], p_signature[n], p_memo_hash[n], now_
    from unnest(statuses) with ordinality as i (status, n) where status = 'posted';
end $$;

-- Sets the amount aside until the hold is captured or released. Limits and balance are checked now, and the day's limit is used now.
create or replace function place_hold(p_scope text, p_key text, p_debit bigint, p_credit bigint, p_currency text, p_amount bigint,
    p_kind smallint, p_intent bytea, p_signature bytea, p_memo_hash bytea, p_lifetime_ms bigint)
  returns table (status text, id uuid, expires_at timestamptz)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
  d account; c account; y currency; hash bytea; old record; spent_today bigint;
  hold_id constant uuid := transfer_id(p_scope, p_key);
begin
  perform from account a where a.id in (p_debit, p_credit) order by a.id desc for no key update;
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
create or replace function capture_hold(p_id uuid) returns text
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
declare h hold; status text; accounts bigint[]; owners text[];
begin
  select * into h from hold x where x.id = p_id for update;
  if not found then return 'unknown'; end if;
  if h.state = 'posted' then return 'replayed'; end if;
  if h.state = 'voided' then return 'voided'; end if;
  if h.expires_at <= clock_timestamp() then return 'expired'; end if;
  accounts := array[greatest(h.debit, h.credit), least(h.debit, h.credit)];
  select array_agg(q.owner) into owners from (select a.owner from account a where a.id = any (accounts) order by a.id desc for no key update) q;
  update account a set held = a.held - h.amount where a.id = h.debit;
  update hold x set state = 'posted' where x.id = p_id; -- which tells post_many that this is a capture
  select p.statuses[1] into status from post_many(accounts, owners, array[h.scope], array[h.key],
    array[array_position(accounts, h.debit)], array[array_position(accounts, h.credit)], array[h.currency], array[h.amount], array[h.kind],
    array[h.intent], array[h.signature], array[h.memo_hash], array[null::timestamptz]) p;
  if status <> 'posted' then -- frozen since: the hold stays until it is released
    update account a set held = a.held + h.amount where a.id = h.debit;
    update hold x set state = 'pending' where x.id = p_id;
  end if;
  return status;
end $$;

revoke execute on function post_many, check_opening from public;
grant execute on function post_many to payments_app;
