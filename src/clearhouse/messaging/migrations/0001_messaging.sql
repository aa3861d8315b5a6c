-- What every service needs in its own schema: time-ordered partitions, an outbox, an inbox.
-- Functions, so that each service's own migration makes its own tables and owns them.

create function clearhouse.uuid7_floor(moment timestamptz) returns uuid
    language sql immutable parallel safe
    as $$
        select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
    $$;
comment on function clearhouse.uuid7_floor is
    'The smallest UUIDv7 of a moment: the bound of a partition.';

create function clearhouse.ensure_partitions(
    parent regclass, first_day date, last_day date, days int default 7
) returns int
    language plpgsql security definer set search_path = pg_catalog
    as $$
declare
    start_day date := date '2024-01-01' + ((first_day - date '2024-01-01') / days) * days;
    schema_name text;
    table_name text;
    part text;
    statement_trigger text;
    -- Rows that are updated leave room in their page, so that no index hears of it (HOT).
    filled int := case when has_table_privilege('clearhouse_app', parent, 'update') then 60
        else 100 end;
    made int := 0;
begin
    select n.nspname, c.relname into schema_name, table_name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
    while start_day <= last_day loop
        part := format('%s_%s', table_name, to_char(start_day, 'YYYYMMDD'));
        if to_regclass(format('%I.%I', schema_name, part)) is null then
            execute format(
                'create table %I.%I partition of %I.%I for values from (%L) to (%L)'
                ' with (fillfactor = %s)',
                schema_name, part, schema_name, table_name,
                clearhouse.uuid7_floor(start_day::timestamp at time zone 'UTC'),
                clearhouse.uuid7_floor((start_day + days)::timestamp at time zone 'UTC'), filled);
            -- A partition inherits its parent's row triggers, but not those of statements.
            for statement_trigger in
                select pg_get_triggerdef(t.oid) from pg_trigger t
                where t.tgrelid = parent and not t.tgisinternal and t.tgtype & 1 = 0
            loop
                execute replace(statement_trigger,
                    format(' ON %I.%I ', schema_name, table_name),
                    format(' ON %I.%I ', schema_name, part));
            end loop;
            made := made + 1;
        end if;
        start_day := start_day + days;
    end loop;
    return made;
end
$$;
comment on function clearhouse.ensure_partitions is
    'Make the partitions of a table ranged by UUIDv7 that cover the given days; says how many were new.';

create function clearhouse.ensure_partitions_ahead(days_ahead int) returns int
    language sql security definer set search_path = pg_catalog
    as $$
        select coalesce(sum(clearhouse.ensure_partitions(
            p.partrelid::regclass, current_date - 1, current_date + days_ahead)), 0)::int
        from pg_partitioned_table p
        join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
        where p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'uuid'::regtype
    $$;
comment on function clearhouse.ensure_partitions_ahead is
    'Make the partitions of the coming days for every table ranged by UUIDv7.';

create function clearhouse.create_outbox(service name) returns void
    language plpgsql
    as $$
begin
    -- Read in the order (xid, position) below the oldest running transaction: a position alone
    -- is given out before its commit, so a reader of "position > last" would lose events.
    -- Unique per aggregate and version: one event per transition, whoever writes it (I9).
    execute format($ddl$
        create table %1$I.outbox (
            position bigint generated always as identity,
            xid xid8 not null default pg_current_xact_id(),
            aggregate_id uuid not null,
            version int not null check (version >= 1),
            type text not null,
            occurred_at timestamptz not null,
            payload text not null,
            created_at timestamptz not null default now(),
            primary key (aggregate_id, version)
        ) partition by range (aggregate_id);
        create index outbox_order on %1$I.outbox (xid, position);
        create table %1$I.outbox_default partition of %1$I.outbox default;
        select clearhouse.ensure_partitions('%1$I.outbox', current_date - 1, current_date + 14);
        grant select, insert on %1$I.outbox to clearhouse_app;
    $ddl$, service);
end
$$;

create function clearhouse.create_inbox(service name) returns void
    language plpgsql
    as $$
begin
    execute format($ddl$
        create table %1$I.positions (
            consumer text primary key,
            xid xid8 not null default '0',
            position bigint not null default 0,
            updated_at timestamptz not null default now()
        );
        create table %1$I.dead_letters (
            id bigint generated always as identity primary key,
            consumer text not null,
            type text not null,
            aggregate_id uuid not null,
            version int not null,
            payload text not null,
            error text not null,
            created_at timestamptz not null default now(),
            resolved_at timestamptz,
            resolution text,
            unique (consumer, aggregate_id, version)
        );
        grant select, insert, update on %1$I.positions to clearhouse_app;
        grant select, insert, update on %1$I.dead_letters to clearhouse_app;
    $ddl$, service);
end
$$;

grant usage on schema clearhouse to clearhouse_app;
