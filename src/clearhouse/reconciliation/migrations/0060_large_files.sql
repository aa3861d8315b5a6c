-- Large files become partitions of their own: a day of a PSP is copied into a table, judged there,
-- indexed at once and attached, instead of being copied line by line from one table into another.

-- What kind of fact a line is matched with; none for lines that stand by themselves.
create function reconciliation.fact_kind(kind text) returns text
    language sql immutable parallel safe
    return case when kind in ('charge', 'charge_reversal') then 'charge'
        when kind in ('refund', 'refund_reversal') then 'refund'
        when kind in ('dispute', 'dispute_reversal') then 'dispute' else '' end;

-- What a line is beside the fact of its own reference, whose amount is null where there is none; the
-- fee plan's numbers are null where none was agreed. The rules stand in matching.py. A line that
-- should have a fact and has none is looked at again by other means.
create function reconciliation.verdict_of(kind text, currency text, gross_minor bigint,
        fee_minor bigint, fact_currency text, fact_minor bigint, is_reversed boolean,
        basis_points bigint, fixed_minor bigint, tolerance_minor bigint) returns text
    language sql immutable parallel safe
    return case
        -- Nearly all lines are that, so it is asked first.
        when kind = 'charge' and fact_minor = gross_minor and fact_currency = currency
            and (abs(fee_minor * 10000 - gross_minor * basis_points - fixed_minor * 10000)
                > tolerance_minor * 10000) is not true then 'matched'
        when kind = 'payout_reversal' then 'payout_returned'
        when kind = 'other' then 'unexplained'
        when kind not in ('charge', 'charge_reversal', 'refund', 'refund_reversal', 'dispute',
            'dispute_reversal') then 'stands_alone'
        when fact_minor is null then 'unmatched'
        when fact_currency <> currency then 'currency_differs'
        when fact_minor <> abs(gross_minor) then 'amount_differs'
        when kind = 'charge_reversal' and not is_reversed then 'settlement_declined'
        when kind in ('refund_reversal', 'dispute_reversal') and not is_reversed
            then 'status_differs'
        when kind = 'charge' and abs(fee_minor * 10000 - gross_minor * basis_points
            - fixed_minor * 10000) > tolerance_minor * 10000 then 'fee_differs'
        else 'matched' end;

-- Lines that differ are looked at each night; they are few.
create index lines_differing on reconciliation.lines (psp, occurred_on, line_key)
    where verdict not in ('matched', 'stands_alone');

-- A month is a partition that is divided again: large days stand by themselves, all others in the
-- rest. Months that were made before stay as they are, and large files go into them line by line.
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
    end loop;
end
$$;

-- A table for the lines of one large file, empty, that only this transaction can see. Its name is
-- made of the file's id; what all lines have in common is written by default.
create function reconciliation.open_large(file_id uuid, psp text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    part text := 'lines_' || replace(file_id::text, '-', '');
begin
    execute format('create table reconciliation.%I (like reconciliation.lines including constraints)',
        part);
    execute format('alter table reconciliation.%I alter psp set default %L, alter file_id set default %L',
        part, psp, file_id);
    execute format('grant select, insert, update on reconciliation.%I to clearhouse_app', part);
end
$$;

create function reconciliation.analyze_large(file_id uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    execute format('analyze reconciliation.%I (occurred_on, psp, line_key, kind, reference, currency, verdict)',
        'lines_' || replace(file_id::text, '-', ''));
end
$$;

-- Whether a day can have a partition for a PSP: it has no lines of it yet, and its month is divided.
create function reconciliation.day_is_free(psp text, day date) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return exists (select from pg_class c
            where c.oid = to_regclass('reconciliation.lines_' || to_char(day, 'YYYYMM'))
                and c.relkind = 'p')
        and not exists (select from reconciliation.lines l
            where l.occurred_on = day_is_free.day and l.psp = day_is_free.psp);

-- Makes the table the partition of a free day. A key that it has twice raises unique_violation.
create function reconciliation.attach_large(file_id uuid, psp text, day date) returns void
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
    execute format('alter table reconciliation.%I add primary key (occurred_on, psp, line_key),'
        ' alter psp drop default, alter file_id drop default', part);
    execute format('revoke all on reconciliation.%I from clearhouse_app', part);
    execute format('alter table reconciliation.%I rename to %I', part, day_part);
    execute format('alter table reconciliation.%I attach partition reconciliation.%I'
        ' for values from (%L, %L) to (%L, %L)', month, day_part, day, psp, day, psp || chr(1));
end
$$;

create function reconciliation.drop_large(file_id uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    execute format('drop table reconciliation.%I', 'lines_' || replace(file_id::text, '-', ''));
end
$$;

revoke all on function reconciliation.fact_kind, reconciliation.verdict_of, reconciliation.open_large,
    reconciliation.analyze_large, reconciliation.day_is_free, reconciliation.attach_large, reconciliation.drop_large from public;
grant execute on function reconciliation.fact_kind, reconciliation.verdict_of,
    reconciliation.open_large, reconciliation.analyze_large, reconciliation.day_is_free, reconciliation.attach_large,
    reconciliation.drop_large to clearhouse_app;
comment on column reconciliation.lines.order_id is
    'The order that the line leads to, where its reference alone does not say it: may be null for what is matched.';
