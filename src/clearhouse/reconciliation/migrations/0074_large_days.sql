-- Large days, read faster. The primary key of lines begins with the line's own key: of three columns
-- only the first is sorted by its first bytes alone, and day and PSP are the same in all of a large
-- partition. Where many days are in one table, an index leads to a day.

alter table reconciliation.lines drop constraint lines_pkey;
alter table reconciliation.lines add primary key (line_key, occurred_on, psp);

do $$
declare
    part regclass;
begin
    for part in
        select relid from pg_partition_tree('reconciliation.lines')
        where isleaf and relid::regclass::text !~ 'lines_\d{8}_'
    loop
        execute format('create index on %s (psp, occurred_on)', part);
    end loop;
end
$$;

create or replace function reconciliation.ensure_days(days date[]) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    month date;
    part text;
begin
    for month in
        select distinct date_trunc('month', d)::date from unnest(days) d
        where d between current_date - 800 and current_date + 40
        order by 1
    loop
        part := 'lines_' || to_char(month, 'YYYYMM');
        continue when to_regclass(format('reconciliation.%I', part)) is not null;
        -- One maker at a time; the second one finds it made.
        perform pg_advisory_xact_lock(hashtextextended('reconciliation.lines', 7));
        continue when to_regclass(format('reconciliation.%I', part)) is not null;
        -- Lines of a month that came before it had a partition stay where they are.
        continue when exists (select from reconciliation.lines_default
            where occurred_on >= month and occurred_on < month + interval '1 month');
        execute format(
            'create table reconciliation.%I partition of reconciliation.lines'
            ' for values from (%L) to (%L) partition by range (occurred_on, psp)',
            part, month, (month + interval '1 month')::date);
        execute format('create table reconciliation.%I partition of reconciliation.%I default',
            part || '_rest', part);
        execute format('create index on reconciliation.%I (psp, occurred_on)', part || '_rest');
    end loop;
end
$$;

create or replace function reconciliation.attach_large(file_id uuid, psp text, day date) returns void
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set maintenance_work_mem = '128MB'
    as $$
declare
    part text := 'lines_' || replace(file_id::text, '-', '');
    month text := 'lines_' || to_char(day, 'YYYYMM');
    day_part text := left(format('lines_%s_%s', to_char(day, 'YYYYMMDD'), psp), 63);
begin
    -- Compressing what a new index writes to the log takes as long as making it. Only the superuser
    -- of an embedded server may say so; elsewhere it stays as it is.
    if (select rolsuper from pg_roles where rolname = current_user) then
        perform set_config('wal_compression', 'off', true);
    end if;
    execute format('alter table reconciliation.%I add primary key (line_key, occurred_on, psp),'
        ' alter psp drop default, alter file_id drop default', part);
    execute format('revoke all on reconciliation.%I from clearhouse_app', part);
    execute format('alter table reconciliation.%I rename to %I', part, day_part);
    execute format('alter table reconciliation.%I attach partition reconciliation.%I'
        ' for values from (%L, %L) to (%L, %L)', month, day_part, day, psp, day, psp || chr(1));
end
$$;

-- A sample is enough to plan by, and takes a tenth of the time.
create or replace function reconciliation.analyze_large(file_id uuid) returns void
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp set default_statistics_target = 10
    as $$
begin
    execute format('analyze reconciliation.%I (occurred_on, psp, line_key, kind, reference, currency, verdict)',
        'lines_' || replace(file_id::text, '-', ''));
end
$$;

-- Days whose charges have all been held against the lines of their large file, after the day had
-- ended: those that no line named are remembered, so that no night has to look at all of them again.
create table reconciliation.large_days (
    psp text not null,
    day date not null,
    file_id uuid not null references reconciliation.files,
    compared_at timestamptz not null,
    primary key (psp, day)
);
create table reconciliation.unnamed_charges (
    psp text not null,
    day date not null,
    reference text collate "C" not null,
    primary key (psp, day, reference)
);
grant select, insert, delete on reconciliation.large_days, reconciliation.unnamed_charges
    to clearhouse_app;
