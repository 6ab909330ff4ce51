-- Appends many messages in one commit. Returns one row for each message of a member: its place in the arrays and either a sequence number
-- with its time and whether it had been stored before, or why it is refused. A stranger's message has no row.
--
-- Two statements on purpose. Under READ COMMITTED each takes its own snapshot, so the second sees whatever was committed while the
-- first waited for its locks; in a single statement a concurrent retry would be invisible and cost a gap. The clock is read in between,
-- so that times in a conversation do not run backwards.
create function append_messages(
  conversations text[], accounts text[], devices text[], client_ids text[], epochs bigint[], bodies bytea[],
  max_past_epochs integer, max_request_messages integer
) returns table (item integer, seq bigint, at timestamptz, duplicate boolean, roster_version integer, refusal text)
language plpgsql as $$
#variable_conflict use_column
declare
  stored_at timestamptz(3);
begin
  perform from conversation where conversation_id = any (conversations) order by conversation_id for no key update;
  stored_at := clock_timestamp();
  return query
  with judged as materialized (
    select *, case when is_welcome and (not awaits_acceptance or request_messages + place <= max_request_messages)
      then last_seq + place end as new_seq
    from (
      select *, known_seq is null and refused is null as is_welcome,
        count(*) filter (where known_seq is null and refused is null) over (partition by conversation order by item) as place
      from (
        select i.*, c.last_seq, c.roster_version, c.awaits_acceptance, c.request_messages, m.seq as known_seq, m.at as known_at,
          case
            when m.seq is not null then null
            when c.is_blocked then 'not-reachable'
            when b.standing <> 'accepted' then 'forbidden'
            when i.epoch > c.epoch or i.epoch < c.epoch - max_past_epochs then 'stale-epoch'
          end as refused
        from unnest(conversations, accounts, devices, client_ids, epochs) with ordinality
          as i (conversation, account, device, client_id, epoch, item)
        join conversation c on c.conversation_id = i.conversation
        join member b on b.conversation_id = i.conversation and b.account_id = i.account
        left join lateral ( -- one index probe an item, whatever the planner believes about the table
          select seq, at from message
          where conversation_id = i.conversation and sender_device = i.device and client_message_id = i.client_id limit 1) m on true
      ) as known
    ) as placed
  ), added as ( -- the bodies come straight from the array: carrying them through the steps above would copy each of them
    insert into message (conversation_id, seq, is_commit, epoch, sender_account, sender_device, client_message_id, bytes, at)
    select conversation, new_seq, false, epoch, account, device, client_id, bodies[item], stored_at from judged where new_seq is not null
  ), raised as (
    update conversation c set last_seq = j.top, active_at = stored_at,
      request_messages = case when c.awaits_acceptance then c.request_messages + j.added else c.request_messages end
    from (select conversation, max(new_seq) as top, count(*)::integer as added from judged where new_seq is not null group by conversation) j
    where c.conversation_id = j.conversation
  )
  select item::integer, coalesce(new_seq, known_seq), case when new_seq is null then known_at else stored_at end::timestamptz,
    known_seq is not null, roster_version,
    case when new_seq is null and known_seq is null then coalesce(refused, 'request-full') end
  from judged;
end $$;
revoke execute on function append_messages from public;
grant execute on function append_messages to messaging_app;

-- Moves many cursors in one commit, forward only and never beyond the log, and drops the welcomes that they have passed. Returns one row
-- for each device that has a cursor. No pair of conversation and device may be twice in the arrays.
create function acknowledge_rows(conversations text[], accounts text[], devices text[], seqs bigint[])
returns table (item integer, acknowledged bigint)
language plpgsql as $$
#variable_conflict use_column
begin
  perform from (select * from unnest(conversations, devices) as i (conversation, device) order by conversation, device) as i
    cross join lateral ( -- index probes in this order, whatever the planner believes about the table
      select from device_cursor where conversation_id = i.conversation and device_id = i.device for no key update) d;
  return query
  with asked as materialized (
    select i.*, d.acknowledged, greatest(d.acknowledged, least(i.up_to, c.last_seq)) as reached
    from unnest(conversations, accounts, devices, seqs) with ordinality as i (conversation, account, device, up_to, item)
    cross join lateral (
      select acknowledged from device_cursor
      where conversation_id = i.conversation and device_id = i.device and account_id = i.account limit 1) d
    cross join lateral (select last_seq from conversation where conversation_id = i.conversation limit 1) c
  ), moved as (
    update device_cursor d set acknowledged = a.reached from asked a
    where d.conversation_id = a.conversation and d.device_id = a.device and a.reached > a.acknowledged
  ), passed as (
    delete from welcome w using asked a where w.device_id = a.device and w.conversation_id = a.conversation and w.seq <= a.reached
  )
  select item::integer, reached from asked;
end $$;
revoke execute on function acknowledge_rows from public;
grant execute on function acknowledge_rows to messaging_app;
