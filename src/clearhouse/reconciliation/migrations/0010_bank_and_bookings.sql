-- The bank's statements, what the PSPs paid out beside them, and what of both is in the journal.

create table reconciliation.bank_lines (
    account text collate "C" not null,
    line_key text collate "C" not null,
    booked_on date not null,
    value_on date not null,
    currency text collate "C" not null,
    amount_minor bigint not null,
    reference text not null,
    text text not null,
    counterparty text not null,
    returned text not null,
    file_id uuid not null references reconciliation.files,
    primary key (account, line_key)
);
create index bank_lines_day on reconciliation.bank_lines (booked_on);

create table reconciliation.bank_balances (
    account text collate "C" not null,
    currency text collate "C" not null,
    day date not null,
    closing_minor bigint not null,
    file_id uuid not null references reconciliation.files,
    primary key (account, currency, day)
);

-- Sums of a day's lines, made again whenever the day is compared: cash positions, fees and payouts
-- are read from here, so that no question about money counts a million lines again.
create table reconciliation.totals (
    psp text collate "C" not null,
    day date not null,
    currency text collate "C" not null,
    kind text not null,
    settlement text collate "C" not null,
    line_count bigint not null,
    matched_count bigint not null,
    matched_minor numeric not null,
    gross_minor numeric not null,
    fee_minor numeric not null,
    primary key (psp, day, currency, kind, settlement)
);
create index totals_settlement on reconciliation.totals (psp, settlement);

-- Payouts among the lines: few, and asked for by name.
create index lines_payouts on reconciliation.lines (psp, reference)
    where kind in ('payout', 'payout_reversal');

-- What payouts and bank lines were found to be. Nothing is overwritten: a later finding supersedes.
create table reconciliation.bank_matches (
    match_id uuid primary key,
    psp text collate "C" not null,
    verdict text not null,
    basis text,
    confidence int not null check (confidence between 0 and 100),
    currency text not null,
    difference_minor bigint not null,
    payouts text[] not null,
    -- Accounts and keys of bank lines, place by place.
    accounts text[] not null,
    line_keys text[] not null,
    found_at timestamptz not null,
    superseded_at timestamptz,
    check (cardinality(accounts) = cardinality(line_keys))
);
create index bank_matches_current on reconciliation.bank_matches (found_at)
    where superseded_at is null;

-- What reconciliation told the ledger to book, as differences to what it told before: the sum of a
-- subject is what the reports and statements say now.
create table reconciliation.bookings (
    booking_id uuid primary key,
    kind text not null,
    subject text collate "C" not null,
    psp text not null,
    bank_account text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint not null check (amount_minor <> 0),
    reference text not null,
    reason text not null check (reason <> ''),
    break_id uuid references reconciliation.breaks,
    booked_at timestamptz not null
);
create index bookings_subject on reconciliation.bookings (subject);
create trigger append_only before update or delete on reconciliation.bookings
    for each row execute function reconciliation.refuse_change();

-- The sales that the wallets were told are settled.
create table reconciliation.settled_orders (
    order_id uuid primary key,
    told_at timestamptz not null
) partition by range (order_id);
create table reconciliation.settled_orders_default
    partition of reconciliation.settled_orders default;
select clearhouse.ensure_partitions('reconciliation.settled_orders', current_date - 1,
    current_date + 14);

-- Which days of which PSP were fetched and compared, so that an outage is caught up with.
create table reconciliation.days (
    psp text collate "C" not null,
    day date not null,
    fetched_at timestamptz,
    compared_at timestamptz,
    tries int not null default 0 check (tries >= 0),
    problem text not null default '',
    next_at timestamptz not null,
    primary key (psp, day)
);
create index days_due on reconciliation.days (next_at) where compared_at is null;

-- psp: a PSP's lines beside payments; bank: payouts beside bank lines; books: our own books.
alter table reconciliation.breaks add column area text not null default 'psp'
    check (area in ('psp', 'bank', 'books'));
-- When the engine told payments what the line says, so that it is told once.
alter table reconciliation.breaks add column told_at timestamptz;

grant select, insert on reconciliation.bank_lines, reconciliation.bookings,
    reconciliation.settled_orders to clearhouse_app;
grant select, insert, update on reconciliation.bank_balances, reconciliation.bank_matches,
    reconciliation.days to clearhouse_app;
grant select, insert, delete on reconciliation.totals to clearhouse_app;

-- Decisions above the limit that wait for a second person.
create table reconciliation.decisions (
    break_id uuid primary key references reconciliation.breaks,
    deed text not null check (deed in ('accept', 'write_off')),
    amount_minor bigint not null,
    asked_by text not null check (asked_by <> ''),
    reason text not null check (reason <> ''),
    asked_at timestamptz not null
);
grant select, insert, update, delete on reconciliation.decisions to clearhouse_app;
