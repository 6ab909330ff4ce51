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
alter table account drop column currency_number, drop constraint account_owner_check, drop constraint system_by_name, drop constraint system_without_floor,
  drop constraint account_head_check, drop constraint held_not_negative, drop constraint no_overdraft,
  add constraint no_overdraft check (held >= 0 and posted - held >= floor); -- without a floor, null, which passes
alter table currency drop constraint code_with_number;

-- Only `post_many` inserts transfers, so what a posting must look like is refused there, one by one. PostgreSQL reads the text of every check
-- anew for each statement, a twentieth of a batch: the table keeps in one what would make or lose money.
alter table transfer drop constraint transfer_scope_check, drop constraint transfer_key_check, drop constraint transfer_request_hash_check,
  drop constraint transfer_kind_check, drop constraint signed_when_a_transfer, drop constraint amount_positive, drop constraint not_to_itself,
  drop constraint one_currency, add constraint moves_money check (amount > 0 and debit <> credit and debit % 1000 = credit % 1000);

drop function post_many;

-- Posts many transfers in one commit, each as if it came alone after the one before it: posted, replayed, or refused by itself. `p_accounts` are
-- the distinct account ids of the batch in descending order and `p_owners` who they belong to; `p_debit` and `p_credit` are positions in them. Salts
-- are 16 random bytes, given because making them here would take as long as all of a transfer's hashes. The rows are locked in their order by
-- everybody, so that no two batches wait for each other, and the oldest come last: the system's accounts, which most transfers touch, are held for
-- the shortest time. Everything else happens in arrays, and is written at the end.
-- What `capture_hold` has marked is posted without limits and expiry: they were checked when the hold was placed.
-- The answer is one text: the columns of the last statement behind blanks, in each the postings' elements behind commas, an absent one empty.
create function post_many(p_accounts bigint[], p_owners text[], p_scope text[], p_key text[], p_debit int[], p_credit int[],
    p_currency text[], p_amount bigint[], p_kind smallint[], p_intent bytea[], p_signature bytea[], p_memo_hash bytea[], p_expires timestamptz[],
    p_debit_salt bytea[], p_credit_salt bytea[])
  returns text
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  items constant int := cardinality(p_key);
  statuses text[] := array_fill(null::text, array[items]); ids uuid[] := array_fill(null::uuid, array[items]);
  hashes bytea[] := array_fill(null::bytea, array[items]);
  debit_heads bytea[] := hashes; credit_heads bytea[] := hashes; new_heads bytea[] := hashes;
  debit_seqs bigint[] := array_fill(null::bigint, array[items]); credit_seqs bigint[] := debit_seqs;
  debit_balances bigint[] := debit_seqs; credit_balances bigint[] := debit_seqs;
  found_accounts bigint[]; found_owners text[]; currencies text[]; reserves bigint[]; balances bigint[]; seqs bigint[]; heads bytea[];
  are_frozen boolean[]; spendings bigint[]; are_done boolean[]; found_hashes bytea[]; are_captures boolean[];
  codes text[]; maxima bigint[]; days bigint[];
  first int; d int; c int; y int; amount bigint; next_head bytea; is_limited boolean; now_ timestamptz;
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
begin
  select array_agg(code), array_agg(max_transfer), array_agg(max_per_day) into codes, maxima, days from currency;
  -- What never changes is computed before the locks, so that others wait for less.
  for i in 1..items loop
    ids[i] := transfer_id(p_scope[i], p_key[i]);
    hashes[i] := request_hash(ids[i], p_owners[p_debit[i]], p_owners[p_credit[i]], p_amount[i], p_currency[i], p_kind[i], p_intent[i]);
  end loop;
  -- What must stay in an account is what is held and its floor; nothing (null) in a system account.
  select array_agg(q.id), array_agg(q.owner), array_agg(q.currency), array_agg(q.held + q.floor), array_agg(q.posted),
      array_agg(q.seq), array_agg(q.head), array_agg(q.frozen), array_agg(case when q.spent_on >= today then q.spent else 0 end)
    into found_accounts, found_owners, currencies, reserves, balances, seqs, heads, are_frozen, spendings
    from (select a.* from account a where a.id = any (p_accounts) order by a.id desc for no key update) q;
  if found_accounts is distinct from p_accounts or found_owners is distinct from p_owners then
    raise exception 'accounts must exist, be whose they are said to be, and come in descending order of their ids' using errcode = '22023';
  end if;
  now_ := date_trunc('milliseconds', clock_timestamp()); -- after the locks, so that times follow the sequence numbers
  -- A statement after the locks sees what the batches before this one have committed; mostly nothing is there yet.
  if exists (select from transfer t where t.id = any (ids) union all select from hold h where h.id = any (ids)) then
    select array_agg(t.id is not null order by u.n), array_agg(coalesce(t.request_hash, h.request_hash) order by u.n),
        array_agg(t.id is null and h.state = 'posted' order by u.n)
      into are_done, found_hashes, are_captures
      from unnest(ids) with ordinality as u (id, n) left join transfer t on t.id = u.id left join hold h on h.id = u.id;
  end if;
  for i in 1..items loop
    d := p_debit[i]; c := p_credit[i]; amount := p_amount[i];
    first := array_position(ids, ids[i]);
    is_limited := p_kind[i] = 1 and are_captures[i] is not true;
    y := array_position(codes, p_currency[i]);
    statuses[i] := case
      when found_hashes[i] is not null and are_captures[i] is not true then
        case when are_done[i] and found_hashes[i] = hashes[i] then 'replayed' else 'conflict' end
      when first < i and hashes[first] <> hashes[i] then 'conflict'
      when first < i and statuses[first] = 'posted' then 'replayed'
      when first < i then statuses[first]
      when amount is null or amount <= 0 or d = c or p_kind[i] not between 1 and 4 or length(p_scope[i]) not between 1 and 43
        or length(p_key[i]) not between 1 and 64 or (p_kind[i] = 1 and (p_intent[i] is null or p_signature[i] is null))
        or length(p_debit_salt[i]) <> 16 or length(p_credit_salt[i]) <> 16 then 'malformed'
      when currencies[d] <> p_currency[i] or currencies[c] <> p_currency[i] then 'currency-unknown'
      when p_kind[i] = 1 and (are_frozen[d] or are_frozen[c]) then 'frozen'
      when is_limited and p_expires[i] <= now_ then 'expired'
      when is_limited and p_expires[i] > now_ + interval '10 minutes' then 'lives-too-long'
      when is_limited and amount > maxima[y] then 'over-transfer-limit'
      when balances[d] - amount < reserves[d] then 'insufficient'
      when is_limited and spendings[d] + amount > days[y] then 'over-day-limit'
      else 'posted' end;
    continue when statuses[i] <> 'posted';
    if is_limited then spendings[d] := spendings[d] + amount; end if;
    debit_heads[i] := heads[d]; credit_heads[i] := heads[c];
    seqs[d] := seqs[d] + 1; seqs[c] := seqs[c] + 1; balances[d] := balances[d] - amount; balances[c] := balances[c] + amount;
    -- Each party's link hides its balance behind a salt; the head binds both links and the request (docs/decisions/0003).
    next_head := sha256(sha256(p_debit_salt[i] || heads[d] || int8send(seqs[d]) || int8send(balances[d]))
      || sha256(p_credit_salt[i] || heads[c] || int8send(seqs[c]) || int8send(balances[c])) || hashes[i]);
    heads[d] := next_head; heads[c] := next_head; new_heads[i] := next_head;
    debit_seqs[i] := seqs[d]; credit_seqs[i] := seqs[c]; debit_balances[i] := balances[d]; credit_balances[i] := balances[c];
  end loop;
  update account a set posted = balances[v.n], seq = seqs[v.n], head = heads[v.n], spent = spendings[v.n], spent_on = greatest(a.spent_on, today)
    from unnest(p_accounts) with ordinality as v (id, n) where a.id = v.id and a.seq <> seqs[v.n];
  insert into transfer (id, scope, key, request_hash, debit, credit, amount, kind, debit_seq, credit_seq, debit_balance, credit_balance,
      debit_previous, credit_previous, debit_salt, credit_salt, head, intent, signature, memo_hash, at)
    select ids[n], p_scope[n], p_key[n], hashes[n], p_accounts[p_debit[n]], p_accounts[p_credit[n]], p_amount[n], p_kind[n], debit_seqs[n],
      credit_seqs[n], debit_balances[n], credit_balances[n], debit_heads[n], credit_heads[n], p_debit_salt[n], p_credit_salt[n], new_heads[n],
      p_intent[n], p_signature[n], p_memo_hash[n], now_
    from unnest(statuses) with ordinality as i (status, n) where status = 'posted';
  return concat_ws(' ', array_to_string(statuses, ',', ''), array_to_string(ids, ',', ''), array_to_string(debit_seqs, ',', ''),
    array_to_string(credit_seqs, ',', ''), array_to_string(debit_balances, ',', ''), array_to_string(credit_balances, ',', ''),
    array_to_string(debit_heads, ',', ''), array_to_string(new_heads, ',', ''), (extract(epoch from now_) * 1000)::bigint);
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
  status := split_part(post_many(accounts, owners, array[h.scope], array[h.key],
    array[array_position(accounts, h.debit)], array[array_position(accounts, h.credit)], array[h.currency], array[h.amount], array[h.kind],
    array[h.intent], array[h.signature], array[h.memo_hash], array[null::timestamptz], array[uuid_send(gen_random_uuid())],
    array[uuid_send(gen_random_uuid())]), ' ', 1);
  if status <> 'posted' then -- frozen since: the hold stays until it is released
    update account a set held = a.held + h.amount where a.id = h.debit;
    update hold x set state = 'pending' where x.id = p_id;
  end if;
  return status;
end $$;

revoke execute on function post_many, check_opening from public;
grant execute on function post_many to payments_app;
