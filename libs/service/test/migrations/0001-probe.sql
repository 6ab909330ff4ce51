create table probe (id text primary key, times int not null default 0);
grant select, insert, update, delete on probe to payments_app;
