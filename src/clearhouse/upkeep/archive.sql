-- What an archive's run asks besides what postgres/ and closed.sql know.

-- name: columns
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
from pg_attribute a
where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
order by a.attnum

-- name: size
select coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint from unnest($1::text[]) name

-- name: not_dropped
select service, name, file, sha256 from clearhouse.archived_tables
where dropped_at is null order by range_from, service, name

-- name: note_dropped
update clearhouse.archived_tables set dropped_at = now() where service = $1 and name = $2
