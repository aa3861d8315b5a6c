-- Archiving: what the services share so that old partitions of all of them can be put away
-- together, oldest first. Below the *horizon* everything is archived, above it nothing is.

create table clearhouse.archived_tables (
    -- The detached table is archive_<service>.<name>, until it is dropped.
    service text not null,
    name text not null,
    range_from uuid not null,
    range_to uuid not null check (range_to > range_from),
    -- What was exported: where, below the directory it was sent to, and the file's hash.
    file text not null,
    rows bigint not null check (rows >= 0),
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    archived_at timestamptz not null default now(),
    dropped_at timestamptz,
    primary key (service, name)
);
comment on table clearhouse.archived_tables is
    'The book of what was put away; the registries of clients'' ids, and sums, stay where they are.';
grant select on clearhouse.archived_tables to clearhouse_app;

create function clearhouse.archive_horizon() returns uuid
    language sql stable
    as $$
        select coalesce((
            select range_to from clearhouse.archived_tables order by range_to desc limit 1
        ), '00000000-0000-0000-0000-000000000000')
    $$;
comment on function clearhouse.archive_horizon is
    'The first id that is not archived: a row with a smaller one lies in the archive.';

-- On a partition from the moment on that its contents are weighed, and for ever once it is
-- archived; never on a partition in use, so that no payment pays for it.
create function clearhouse.refuse_sealed() returns trigger
    language plpgsql
    as $$
begin
    raise exception '%.% is archived: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'Everything in it is final.';
end
$$;
revoke all on function clearhouse.refuse_sealed from public;

-- Milliseconds are cut, as everywhere, and not rounded up into a moment that has not come.
create or replace function clearhouse.uuid7_floor(moment timestamptz) returns uuid
    language sql immutable parallel safe
    as $$
        select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0')
            || '70008000000000000000')::uuid
    $$;
