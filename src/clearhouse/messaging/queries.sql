-- The outbox and the inbox of one service; {schema} is that service's.

-- name: publish
insert into {schema}.outbox (aggregate_id, version, type, occurred_at, payload)
select * from unnest($1::text::uuid[], $2::text::int[], $3::text::text[], $4::timestamptz[],
    string_to_array($5::text, e'\n'))

-- name: read
select xid::text::bigint as xid, position, aggregate_id, version, type, payload
from {schema}.outbox
where (xid, position) > ($1::text::xid8, $2)
  and xid < pg_snapshot_xmin(pg_current_snapshot())
order by xid, position
limit $3

-- name: take_position
insert into {schema}.positions (consumer) values ($1)
on conflict (consumer) do update set updated_at = now()
returning xid::text::bigint as xid, position

-- name: store_position
update {schema}.positions set xid = $2::text::xid8, position = $3, updated_at = now()
where consumer = $1

-- name: read_position
select xid::text::bigint as xid, position from {schema}.positions where consumer = $1

-- name: bury
insert into {schema}.dead_letters (consumer, type, aggregate_id, version, payload, error)
values ($1, $2, $3, $4, $5, $6)
on conflict (consumer, aggregate_id, version) do update
set error = excluded.error, resolved_at = null, resolution = null

-- name: buried
select count(*) as letters from {schema}.dead_letters where resolved_at is null

-- name: services_with_letters
select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = 'dead_letters' and c.relkind = 'r' order by n.nspname
