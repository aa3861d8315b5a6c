-- Dead letters of any service; {schema} is one of those that services_with_letters lists.

-- name: services_with_letters
select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = 'dead_letters' and c.relkind = 'r' order by n.nspname

-- name: letters
select id, consumer, type, aggregate_id, version, payload, error, created_at, resolved_at, resolution
from {schema}.dead_letters where resolved_at is null or $1 order by id limit $2

-- name: lock_letter
select id, consumer, type, aggregate_id, version, payload, error, created_at, resolved_at, resolution
from {schema}.dead_letters where id = $1 for update

-- name: resolve
update {schema}.dead_letters set resolved_at = $2, resolution = $3 where id = $1
