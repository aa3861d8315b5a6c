-- Reconciliation's own schema: what the PSPs and the bank say that they moved, as they said it,
-- what each line was found to be, and what differs.

create schema reconciliation;
grant usage on schema reconciliation to clearhouse_app;

-- Every file that was read, whatever came of it. The bytes themselves are kept beside the database
-- under their hash.
create table reconciliation.files (
    file_id uuid primary key,
    source text not null check (source <> ''),
    name text not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    size_bytes bigint not null check (size_bytes >= 0),
    received_at timestamptz not null,
    -- reading → read (every line understood), read_in_part (troubles beside) or rejected (nothing)
    state text not null check (state in ('reading', 'read', 'read_in_part', 'rejected')),
    line_count bigint not null default 0 check (line_count >= 0),
    -- Lines that no earlier file had.
    new_count bigint not null default 0 check (new_count between 0 and line_count),
    changed_count bigint not null default 0 check (changed_count >= 0),
    trouble_count bigint not null default 0 check (trouble_count >= 0),
    -- The days that it speaks of; null for none.
    first_day date,
    last_day date,
    unique (source, sha256)
);

create table reconciliation.troubles (
    file_id uuid not null references reconciliation.files,
    number int not null check (number >= 1),
    -- Counts from 1; 0 is the file as a whole.
    line bigint not null check (line >= 0),
    kind text not null,
    problem text not null,
    primary key (file_id, number)
);

-- One per movement at a PSP, under the PSP's own name for it, so that files may overlap. Partitioned
-- by its day: a line's key and day never change, so the primary key is the wall against counting it
-- twice.
create table reconciliation.lines (
    occurred_on date not null,
    psp text collate "C" not null,
    line_key text collate "C" not null,
    kind text not null,
    reference text collate "C" not null,
    charge_reference text collate "C" not null,
    order_hint text collate "C" not null,
    currency text collate "C" not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    occurred_at timestamptz not null,
    settlement text not null,
    card_tail text not null,
    file_id uuid not null,
    -- matched, or the cause of the break that it is.
    verdict text not null,
    order_id uuid,
    -- What the books say of it; null where nothing of ours leads to it.
    expected_minor bigint,
    -- How the match was found: reference, order_hint or likeness; null without one.
    found_by text check (found_by in ('reference', 'order_hint', 'likeness')),
    primary key (occurred_on, psp, line_key),
    constraint of_that_day check (occurred_on = (occurred_at at time zone 'UTC')::date),
    constraint matched_with_something check (verdict <> 'matched' or found_by is not null)
) partition by range (occurred_on);
create table reconciliation.lines_default partition of reconciliation.lines default;

-- What a line said before a later file corrected it.
create table reconciliation.corrections (
    occurred_on date not null,
    psp text not null,
    line_key text not null,
    corrected_at timestamptz not null,
    file_id uuid not null,
    kind text not null,
    reference text not null,
    currency text not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    settlement text not null,
    verdict text not null
);
create index corrections_line on reconciliation.corrections (occurred_on, psp, line_key);

-- What differs, once per subject, for as long as anybody wants to know.
create table reconciliation.breaks (
    break_id uuid primary key,
    -- What it is about, in words that stay the same each night: psp:line:key or psp:charge:reference.
    subject text collate "C" not null unique,
    -- May change while it is open: what was only late is missing one day.
    cause text not null,
    psp text not null,
    day date not null,
    order_id uuid,
    -- The line that it was found in, null for what has no line.
    line_key text collate "C",
    reference text not null,
    currency text not null,
    -- What the books say, what was found, and what is at stake.
    ours_minor bigint,
    theirs_minor bigint,
    at_stake_minor bigint not null check (at_stake_minor >= 0),
    detail text not null,
    state text not null default 'open' check (state in ('open', 'mended', 'settled', 'written_off')),
    owner text not null default '',
    opened_at timestamptz not null,
    seen_at timestamptz not null,
    closed_at timestamptz,
    version int not null default 1 check (version >= 1),
    check ((state = 'open') = (closed_at is null))
);
create index breaks_open on reconciliation.breaks (psp, day) where state = 'open';
create index breaks_day on reconciliation.breaks (day, psp);

-- Everything that ever happened to a break, and who did it. Append-only.
create table reconciliation.break_history (
    break_id uuid not null references reconciliation.breaks,
    version int not null,
    at timestamptz not null,
    actor text not null,
    deed text not null,
    note text not null,
    primary key (break_id, version)
);

-- The result of a night, as it was told then; a later run of the same day adds its own.
create table reconciliation.runs (
    run_id uuid primary key,
    psp text not null,
    day date not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    matched_count bigint not null,
    matched_minor text not null,
    open_breaks bigint not null,
    figures text not null
);
create index runs_day on reconciliation.runs (psp, day, run_id);

create function reconciliation.refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation';
end
$$;
create trigger append_only before update or delete on reconciliation.break_history
    for each row execute function reconciliation.refuse_change();
create trigger append_only before update or delete on reconciliation.corrections
    for each row execute function reconciliation.refuse_change();

-- Partitions of lines are made for the days that a file has, by whoever reads it.
create function reconciliation.ensure_days(days date[]) returns void
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
            ' for values from (%L) to (%L)', part, month, (month + interval '1 month')::date);
    end loop;
end
$$;

revoke all on function reconciliation.ensure_days, reconciliation.refuse_change from public;
grant execute on function reconciliation.ensure_days to clearhouse_app;
grant select, insert, update on reconciliation.files, reconciliation.lines, reconciliation.breaks
    to clearhouse_app;
grant select, insert on reconciliation.troubles, reconciliation.corrections,
    reconciliation.break_history, reconciliation.runs to clearhouse_app;
select clearhouse.create_outbox('reconciliation');
