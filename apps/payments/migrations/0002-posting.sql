-- The functions through which money moves. They belong to the owner of the schema; the app may only execute them.

-- The same scope and key are the same transfer. (These are stable, not immutable, because only then does PostgreSQL inline them.)
create function transfer_id(scope text, key text) returns uuid language sql stable as $$
  select encode(substring(sha256(convert_to(concat_ws('|', 'rialto/transfer/v1', scope, key), 'UTF8')) for 16), 'hex')::uuid
$$;

create function request_hash(id uuid, debit text, credit text, amount bigint, currency text, kind smallint, intent bytea)
  returns bytea language sql stable as $$
  select sha256(convert_to(concat_ws('|', 'rialto/request/v1', encode(uuid_send(id), 'hex'), debit, credit, amount, currency,
    (array['transfer', 'top-up', 'refund', 'operator'])[kind], coalesce(encode(sha256(intent), 'hex'), '')), 'UTF8'))
$$;

-- Finds or opens accounts; the id of an account never changes. Null where the currency is not kept.
create function open_accounts(p_owner text[], p_currency text[]) returns table (n int, id bigint)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  insert into account (id, owner, currency)
    select nextval('account_number') * 1000 + v.number, v.owner, v.code from (
      select distinct u.owner, c.code, c.number from unnest(p_owner, p_currency) as u (owner, currency) join currency c on c.code = u.currency
      where length(u.owner) = 43 and not exists (select from account a where a.owner = u.owner and a.currency = u.currency)
      order by 1, 2) v
    on conflict (owner, currency) do nothing;
  return query select u.n::int, a.id from unnest(p_owner, p_currency) with ordinality as u (owner, currency, n)
    left join account a on a.owner = u.owner and a.currency = u.currency;
end $$;

-- Posts many transfers in one commit, each as if it came alone after the one before it: posted, replayed, or refused by itself.
-- `p_accounts` are the distinct account ids of the batch in ascending order; `p_debit` and `p_credit` are positions in it. The rows are locked in
-- the order of their ids, so that no two batches wait for each other; everything else happens in arrays, and is written at the end.
-- What `capture_hold` has marked is posted without limits and expiry: they were checked when the hold was placed.
create function post_many(p_accounts bigint[], p_scope text[], p_key text[], p_debit int[], p_credit int[], p_currency text[],
    p_amount bigint[], p_kind smallint[], p_intent bytea[], p_signature bytea[], p_memo_hash bytea[], p_expires timestamptz[])
  returns table (status text, id uuid, debit_seq bigint, credit_seq bigint, debit_balance bigint, credit_balance bigint,
    debit_previous bytea, head bytea, at_ms bigint)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  items constant int := cardinality(p_key);
  ids bigint[]; owners text[]; currencies text[]; systems boolean[]; floors bigint[]; balances bigint[]; holdings bigint[]; seqs bigint[];
  heads bytea[]; are_frozen boolean[]; spendings bigint[];
  item_ids uuid[]; hashes bytea[]; are_done boolean[]; found_hashes bytea[]; are_captures boolean[];
  debit_salts bytea[]; credit_salts bytea[]; maxima bigint[]; days bigint[];
  statuses text[] := array_fill(null::text, array[items]);
  debit_seqs bigint[] := array_fill(null::bigint, array[items]); credit_seqs bigint[] := debit_seqs;
  debit_balances bigint[] := debit_seqs; credit_balances bigint[] := debit_seqs;
  debit_heads bytea[] := array_fill(null::bytea, array[items]); credit_heads bytea[] := debit_heads; new_heads bytea[] := debit_heads;
  first int; d int; c int; amount bigint; debit_seq bigint; credit_seq bigint; debit_balance bigint; credit_balance bigint; next_head bytea;
  is_limited boolean; now_ timestamptz; today constant date := (clock_timestamp() at time zone 'UTC')::date;
begin
  -- What never changes is computed before the locks, so that others wait for less.
  -- (Subscripts, here and below: `unnest` of many arrays would build a table of each; a series would be planned for a thousand rows.)
  select array_agg(a.owner order by a.id) into owners from account a where a.id = any (p_accounts);
  with u as materialized (select n, transfer_id(p_scope[n], key) as id from unnest(p_key) with ordinality as i (key, n))
  select array_agg(u.id order by u.n),
      array_agg(request_hash(u.id, owners[p_debit[u.n]], owners[p_credit[u.n]], p_amount[u.n], p_currency[u.n], p_kind[u.n], p_intent[u.n]) order by u.n),
      array_agg(uuid_send(gen_random_uuid()) order by u.n), array_agg(uuid_send(gen_random_uuid()) order by u.n),
      array_agg(y.max_transfer order by u.n), array_agg(y.max_per_day order by u.n)
    into item_ids, hashes, debit_salts, credit_salts, maxima, days
    from u left join currency y on y.code = p_currency[u.n];
  select array_agg(q.id), array_agg(q.currency), array_agg(q.is_system), array_agg(q.floor), array_agg(q.posted),
      array_agg(q.held), array_agg(q.seq), array_agg(q.head), array_agg(q.frozen), array_agg(case when q.spent_on >= today then q.spent else 0 end)
    into ids, currencies, systems, floors, balances, holdings, seqs, heads, are_frozen, spendings
    from (select a.* from account a where a.id = any (p_accounts) order by a.id for no key update) q;
  if ids is distinct from p_accounts then
    raise exception 'accounts must exist and come in the order of their ids' using errcode = '22023';
  end if;
  now_ := date_trunc('milliseconds', clock_timestamp()); -- after the locks, so that times follow the sequence numbers
  -- A statement after the locks sees what the batches before this one have committed.
  select array_agg(t.id is not null order by u.n), array_agg(coalesce(t.request_hash, h.request_hash) order by u.n),
      array_agg(t.id is null and h.state = 'posted' order by u.n)
    into are_done, found_hashes, are_captures
    from unnest(item_ids) with ordinality as u (id, n) left join transfer t on t.id = u.id left join hold h on h.id = u.id;
  for i in 1..items loop
    d := p_debit[i]; c := p_credit[i]; amount := p_amount[i]; is_limited := p_kind[i] = 1 and are_captures[i] is not true;
    first := array_position(item_ids, item_ids[i]);
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
      if p_expires[i] <= now_ then statuses[i] := 'expired'; continue; end if;
      if p_expires[i] > now_ + interval '10 minutes' then statuses[i] := 'lives-too-long'; continue; end if;
      if amount > maxima[i] then statuses[i] := 'over-transfer-limit'; continue; end if;
    end if;
    debit_balance := balances[d] - amount;
    if debit_balance - holdings[d] < floors[d] then statuses[i] := 'insufficient'; continue; end if;
    if is_limited and not systems[d] then
      if spendings[d] + amount > days[i] then statuses[i] := 'over-day-limit'; continue; end if;
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
    from unnest(ids) with ordinality as v (id, n) where a.id = v.id and a.seq <> seqs[v.n];
  insert into transfer (id, scope, key, request_hash, debit, credit, amount, kind, debit_seq, credit_seq, debit_balance, credit_balance,
      debit_previous, credit_previous, debit_salt, credit_salt, head, intent, signature, memo_hash, at)
    select item_ids[n], p_scope[n], p_key[n], hashes[n], ids[p_debit[n]], ids[p_credit[n]], p_amount[n], p_kind[n], debit_seqs[n], credit_seqs[n],
      debit_balances[n], credit_balances[n], debit_heads[n], credit_heads[n], debit_salts[n], credit_salts[n], new_heads[n], p_intent[n],
      p_signature[n], p_memo_hash[n], now_
    from unnest(statuses) with ordinality as i (status, n) where status = 'posted';
  return query select i.status, item_ids[n], debit_seqs[n], credit_seqs[n], debit_balances[n], credit_balances[n], debit_heads[n],
      new_heads[n], (extract(epoch from now_) * 1000)::bigint
    from unnest(statuses) with ordinality as i (status, n);
end $$;

revoke execute on function open_accounts, post_many from public;
grant execute on function open_accounts, post_many to payments_app;
