-- The functions through which money moves. They belong to the owner of the schema; the app may only execute them.

create function request_hash(scope text, key text, debit text, credit text, amount bigint, currency text, kind smallint, intent bytea)
  returns bytea language sql stable as $$
  select sha256(convert_to(concat_ws('|', 'rialto/request/v1', scope, key, debit, credit, amount, currency,
    (array['transfer', 'top-up', 'refund', 'operator'])[kind], coalesce(encode(sha256(intent), 'hex'), '')), 'UTF8'))
$$;

-- Finds or opens accounts; the id of an account never changes. Null where the currency is not kept.
create function open_accounts(p_owner text[], p_currency text[]) returns table (n int, id bigint)
  language plpgsql security definer set search_path = payments, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
begin
  insert into account (owner, currency)
    select distinct u.owner, c.code from unnest(p_owner, p_currency) as u (owner, currency) join currency c on c.code = u.currency
    where length(u.owner) = 43 and not exists (select from account a where a.owner = u.owner and a.currency = u.currency)
    order by 1, 2
    on conflict do nothing;
  return query select u.n::int, a.id from unnest(p_owner, p_currency) with ordinality as u (owner, currency, n)
    left join account a on a.owner = u.owner and a.currency = u.currency;
end $$;

-- Posts many transfers in one commit, each as if it came alone after the one before it: posted, replayed, or refused by itself.
-- `p_accounts` are the distinct account ids of the batch; `p_debit` and `p_credit` are positions in it. The rows are locked in the order
-- of their ids, so that no two batches wait for each other; everything else happens in arrays, and is written at the end.
-- `p_is_capture` posts what a hold has set aside: its limits and its expiry were checked when it was placed.
create function post_items(p_is_capture boolean, p_accounts bigint[], p_id uuid[], p_scope text[], p_key text[], p_debit int[],
    p_credit int[], p_currency text[], p_amount bigint[], p_kind smallint[], p_intent bytea[], p_signature bytea[], p_memo_hash bytea[],
    p_expires timestamptz[])
  returns table (status text, id uuid, debit_seq bigint, credit_seq bigint, debit_balance bigint, credit_balance bigint,
    debit_previous bytea, head bytea, at timestamptz)
  language plpgsql set search_path = payments, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  items constant int := cardinality(p_id);
  ids bigint[]; owners text[]; currencies text[]; systems boolean[]; floors bigint[]; balances bigint[]; holdings bigint[]; seqs bigint[];
  heads bytea[]; are_frozen boolean[]; spendings bigint[];
  hashes bytea[]; found uuid[]; found_hashes bytea[]; first int[]; debit_salts bytea[]; credit_salts bytea[]; maxima bigint[]; days bigint[];
  statuses text[] := array_fill(null::text, array[items]); out_ids uuid[] := p_id;
  debit_seqs bigint[] := array_fill(null::bigint, array[items]); credit_seqs bigint[] := debit_seqs;
  debit_balances bigint[] := debit_seqs; credit_balances bigint[] := debit_seqs;
  debit_heads bytea[] := array_fill(null::bytea, array[items]); credit_heads bytea[] := debit_heads; new_heads bytea[] := debit_heads;
  d int; c int; amount bigint; next_head bytea; now_ timestamptz;
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
begin
  select array_agg(q.id), array_agg(q.owner), array_agg(q.currency), array_agg(q.is_system), array_agg(q.floor), array_agg(q.posted),
      array_agg(q.held), array_agg(q.seq), array_agg(q.head), array_agg(q.frozen), array_agg(case when q.spent_on >= today then q.spent else 0 end)
    into ids, owners, currencies, systems, floors, balances, holdings, seqs, heads, are_frozen, spendings
    from (select a.* from account a where a.id = any (p_accounts) order by a.id for no key update) q;
  if ids is distinct from p_accounts then
    raise exception 'accounts must exist and come in the order of their ids' using errcode = '22023';
  end if;
  now_ := clock_timestamp(); -- after the locks, so that times follow the sequence numbers
  -- A statement after the locks sees what the batches before this one have committed.
  select array_agg(request_hash(u.scope, u.key, owners[u.debit], owners[u.credit], u.amount, u.currency, u.kind, u.intent) order by u.n),
      array_agg(t.id order by u.n), array_agg(coalesce(t.request_hash, h.request_hash) order by u.n), array_agg(u.first order by u.n),
      array_agg(uuid_send(gen_random_uuid()) order by u.n), array_agg(uuid_send(gen_random_uuid()) order by u.n),
      array_agg(y.max_transfer order by u.n), array_agg(y.max_per_day order by u.n)
    into hashes, found, found_hashes, first, debit_salts, credit_salts, maxima, days
    from (select *, (min(n) over (partition by scope, key))::int as first
        from unnest(p_scope, p_key, p_debit, p_credit, p_amount, p_currency, p_kind, p_intent)
          with ordinality as i (scope, key, debit, credit, amount, currency, kind, intent, n)) u
      left join transfer t on t.scope = u.scope and t.key = u.key
      left join hold h on h.scope = u.scope and h.key = u.key and not p_is_capture
      left join currency y on y.code = u.currency;
  for i in 1..items loop
    d := p_debit[i]; c := p_credit[i]; amount := p_amount[i];
    if found_hashes[i] is not null then
      out_ids[i] := found[i];
      statuses[i] := case when found[i] is not null and found_hashes[i] = hashes[i] then 'replayed' else 'conflict' end;
    elsif first[i] < i then
      out_ids[i] := out_ids[first[i]];
      statuses[i] := case when hashes[first[i]] <> hashes[i] then 'conflict' when statuses[first[i]] = 'posted' then 'replayed' else statuses[first[i]] end;
    elsif amount is null or amount <= 0 or d = c then statuses[i] := 'malformed';
    elsif currencies[d] <> p_currency[i] or currencies[c] <> p_currency[i] then statuses[i] := 'currency-unknown';
    elsif not p_is_capture and p_expires[i] <= now_ then statuses[i] := 'expired';
    elsif not p_is_capture and p_expires[i] > now_ + interval '10 minutes' then statuses[i] := 'lives-too-long';
    elsif p_kind[i] = 1 and (are_frozen[d] or are_frozen[c]) then statuses[i] := 'frozen';
    elsif not p_is_capture and p_kind[i] = 1 and amount > maxima[i] then statuses[i] := 'over-transfer-limit';
    elsif floors[d] is not null and balances[d] - holdings[d] - amount < floors[d] then statuses[i] := 'insufficient';
    elsif not p_is_capture and p_kind[i] = 1 and not systems[d] and spendings[d] + amount > days[i] then statuses[i] := 'over-day-limit';
    else
      if p_kind[i] = 1 and not p_is_capture then spendings[d] := spendings[d] + amount; end if;
      balances[d] := balances[d] - amount; seqs[d] := seqs[d] + 1;
      balances[c] := balances[c] + amount; seqs[c] := seqs[c] + 1;
      -- Each party's link hides its balance behind a salt; the head binds both links and the request (docs/decisions/0003).
      next_head := sha256(sha256(debit_salts[i] || heads[d] || int8send(seqs[d]) || int8send(balances[d]))
        || sha256(credit_salts[i] || heads[c] || int8send(seqs[c]) || int8send(balances[c])) || hashes[i]);
      debit_heads[i] := heads[d]; credit_heads[i] := heads[c]; new_heads[i] := next_head;
      heads[d] := next_head; heads[c] := next_head;
      debit_seqs[i] := seqs[d]; credit_seqs[i] := seqs[c]; debit_balances[i] := balances[d]; credit_balances[i] := balances[c];
      statuses[i] := 'posted';
    end if;
  end loop;
  update account a set posted = v.posted, seq = v.seq, head = v.head, spent = v.spent, spent_on = greatest(a.spent_on, today)
    from unnest(ids, balances, seqs, heads, spendings) as v (id, posted, seq, head, spent) where a.id = v.id and a.seq <> v.seq;
  insert into transfer (id, scope, key, request_hash, debit, credit, currency, amount, kind, debit_seq, credit_seq, debit_balance,
      credit_balance, debit_previous, credit_previous, debit_salt, credit_salt, head, intent, signature, memo_hash, at)
    select v.id, v.scope, v.key, v.hash, ids[v.debit], ids[v.credit], v.currency, v.amount, v.kind, v.ds, v.cs, v.db, v.cb, v.dp, v.cp,
      v.dsalt, v.csalt, v.head, v.intent, v.signature, v.memo_hash, now_
    from unnest(p_id, p_scope, p_key, hashes, p_debit, p_credit, p_currency, p_amount, p_kind, debit_seqs, credit_seqs, debit_balances,
      credit_balances, debit_heads, credit_heads, debit_salts, credit_salts, new_heads, p_intent, p_signature, p_memo_hash, statuses)
      as v (id, scope, key, hash, debit, credit, currency, amount, kind, ds, cs, db, cb, dp, cp, dsalt, csalt, head, intent, signature,
        memo_hash, status)
    where v.status = 'posted';
  return query select v.*, now_ from unnest(statuses, out_ids, debit_seqs, credit_seqs, debit_balances, credit_balances, debit_heads, new_heads) as v;
end $$;
revoke execute on function post_items from public;

create function post_many(p_accounts bigint[], p_id uuid[], p_scope text[], p_key text[], p_debit int[], p_credit int[],
    p_currency text[], p_amount bigint[], p_kind smallint[], p_intent bytea[], p_signature bytea[], p_memo_hash bytea[],
    p_expires timestamptz[])
  returns table (status text, id uuid, debit_seq bigint, credit_seq bigint, debit_balance bigint, credit_balance bigint,
    debit_previous bytea, head bytea, at timestamptz)
  language sql security definer set search_path = payments, pg_temp as $$
  select * from post_items(false, p_accounts, p_id, p_scope, p_key, p_debit, p_credit, p_currency, p_amount, p_kind, p_intent,
    p_signature, p_memo_hash, p_expires)
$$;

revoke execute on function open_accounts, post_many from public;
grant execute on function open_accounts, post_many to payments_app;
