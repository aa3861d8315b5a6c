-- Finding the partitions of tables that are ranged by UUIDv7, and who is in the way of detaching.

-- name: partitions
select n.nspname as schema, c.relname as table, k.attname as key, d.relname as default_partition,
    has_table_privilege($1, c.oid, 'update') or has_table_privilege($1, c.oid, 'delete') as changes,
    p.relname as partition, pg_get_expr(p.relpartbound, p.oid) as bounds
from pg_partitioned_table t
join pg_class c on c.oid = t.partrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute k on k.attrelid = c.oid and k.attnum = t.partattrs[0]
left join pg_class d on d.oid = t.partdefid
left join pg_inherits i on i.inhparent = c.oid and i.inhrelid <> t.partdefid
left join pg_class p on p.oid = i.inhrelid
where t.partstrat = 'r' and t.partnatts = 1 and k.atttypid = 'uuid'::regtype
order by n.nspname, c.relname, p.relname

-- name: holders
-- Who stands in the way for longer than a moment.
select distinct a.pid, coalesce(nullif(a.application_name, ''), 'a session') as name
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where (l.relation = any($1::text[]::regclass[])
        or (l.locktype = 'advisory' and l.objsubid = 1
            and l.classid::bigint << 32 | l.objid::bigint = $2::bigint))
    and l.granted and l.pid <> pg_backend_pid() and a.xact_start < now() - interval '1 second'
order by a.pid
limit 5

-- name: note_tables
insert into clearhouse.archived_tables
    (service, name, range_from, range_to, file, rows, sha256)
select service, name, $1, $2, file, rows, sha256
from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
    as t (service, name, file, rows, sha256)
