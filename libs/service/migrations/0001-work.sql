-- Work to be done later, or again until it succeeds. A row is deleted in the transaction of its effects.
create table work (
  id bigint generated always as identity primary key,
  kind text not null check (length(kind) between 1 and 100),
  key text not null check (length(key) between 1 and 300),
  payload jsonb not null,
  due_at timestamptz not null,
  attempts int not null default 0,
  created_at timestamptz not null default now(),
  unique (kind, key)
);
create index work_due on work (due_at);

-- The same file runs in every service's schema, so the role's name is made from it.
do $$ begin
  execute format('grant select, insert, update, delete on work to %I', current_schema() || '_app');
end $$;
