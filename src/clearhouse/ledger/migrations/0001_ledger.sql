-- The ledger's own schema: accounts with kept balances, and an append-only journal.
--
-- Sign convention: a balance counts in its account's normal side. Assets and expenses grow by
-- debits, liabilities, income and equity by credits; so every healthy balance is positive, and
-- seller_payable of 97.00 means that 97.00 is owed to the seller.

create schema ledger;
grant usage on schema ledger to clearhouse_app;

create table ledger.accounts (
    account_id bigint generated always as identity primary key,
    -- family[:owner]:currency, such as seller_payable:garden-shed:USD
    -- in byte order, so that a sorted batch of codes meets its accounts place by place
    code text collate "C" not null unique,
    type text not null check (type in ('asset', 'liability', 'equity', 'income', 'expense')),
    owner text not null,
    currency text not null check (length(currency) = 3),
    -- +1 where a debit raises the balance, -1 where a credit does
    debit_sign smallint not null
        generated always as (case when type in ('asset', 'expense') then 1 else -1 end) stored,
    balance_minor bigint not null default 0,
    -- The lowest balance allowed, null for none: 0 is never overdrawn, -5000 may owe 50.00.
    floor_minor bigint check (floor_minor <= 0),
    posting_count bigint not null default 0 check (posting_count >= 0),
    -- Never goes back, so that the postings of an account are in the order of posted_at.
    last_posted_at timestamptz not null default '-infinity',
    created_at timestamptz not null default now(),
    constraint not_overdrawn check (balance_minor >= floor_minor),
    constraint untouched_is_empty check (posting_count > 0 or balance_minor = 0)
) with (fillfactor = 50);
comment on table ledger.accounts is
    'Kept balances. Half of each page is free, so that updates stay in their page (HOT).';

-- One per journal entry. Partitioned by the time in source_id, the UUIDv7 of what is booked, so
-- that "one entry of a kind per source" is unique over all partitions: the wall against booking twice.
create table ledger.journal_entries (
    entry_id uuid not null,
    kind text not null check (kind <> ''),
    source_id uuid not null,
    reference text not null,
    -- When it happened, and when the ledger learnt it.
    event_at timestamptz not null,
    posted_at timestamptz not null,
    description text not null,
    primary key (source_id, kind),
    constraint learnt_after_it_happened check (posted_at >= event_at)
) partition by range (source_id);

-- One per line, and a line is both postings of one amount: whatever writes a line, it cannot be
-- out of balance. Both running balances are those of the accounts after this line.
create table ledger.journal_lines (
    source_id uuid not null,
    kind text not null,
    line smallint not null check (line >= 1),
    currency text not null,
    amount_minor bigint not null check (amount_minor > 0),
    debit_account bigint not null,
    credit_account bigint not null,
    debit_balance_after bigint not null,
    credit_balance_after bigint not null,
    -- The how-manieth posting of its account this is: gapless, given under the account's lock.
    debit_sequence bigint not null,
    credit_sequence bigint not null,
    posted_at timestamptz not null,
    primary key (source_id, kind, line),
    constraint two_accounts check (debit_account <> credit_account)
) partition by range (source_id);
create index journal_lines_debit on ledger.journal_lines (debit_account, posted_at);
create index journal_lines_credit on ledger.journal_lines (credit_account, posted_at);

-- Append-only by trigger as well as by privilege: not even the owner corrects a line; a wrong
-- entry is answered by an entry that reverses it. Nothing fires on the insert path.
create function ledger.refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'Post an entry that reverses the wrong one.';
end
$$;

create trigger append_only before update or delete on ledger.journal_entries
    for each row execute function ledger.refuse_change();
create trigger append_only before update or delete on ledger.journal_lines
    for each row execute function ledger.refuse_change();
create trigger append_only_whole before truncate on ledger.journal_entries
    for each statement execute function ledger.refuse_change();
create trigger append_only_whole before truncate on ledger.journal_lines
    for each statement execute function ledger.refuse_change();
create trigger append_only_whole before truncate on ledger.accounts
    for each statement execute function ledger.refuse_change();
create trigger append_only before delete on ledger.accounts
    for each row execute function ledger.refuse_change();

create table ledger.journal_entries_default partition of ledger.journal_entries default;
create table ledger.journal_lines_default partition of ledger.journal_lines default;
select clearhouse.ensure_partitions('ledger.journal_entries', current_date - 1, current_date + 14);
select clearhouse.ensure_partitions('ledger.journal_lines', current_date - 1, current_date + 14);

-- One row per posting, for people and audits. A union, not a lateral join, so that a filter on
-- account_id reaches the indexes of both sides.
create view ledger.postings as
    select e.entry_id, e.kind, e.source_id, e.reference, e.event_at, l.posted_at, l.line,
        'debit' as side, a.account_id, a.code as account, l.currency, l.amount_minor,
        l.amount_minor as debit_minus_credit, l.amount_minor * a.debit_sign as change_minor,
        l.debit_balance_after as balance_after, l.debit_sequence as sequence
    from ledger.journal_lines l
    join ledger.journal_entries e on e.source_id = l.source_id and e.kind = l.kind
    join ledger.accounts a on a.account_id = l.debit_account
    union all
    select e.entry_id, e.kind, e.source_id, e.reference, e.event_at, l.posted_at, l.line,
        'credit', a.account_id, a.code, l.currency, l.amount_minor,
        -l.amount_minor, -l.amount_minor * a.debit_sign,
        l.credit_balance_after, l.credit_sequence
    from ledger.journal_lines l
    join ledger.journal_entries e on e.source_id = l.source_id and e.kind = l.kind
    join ledger.accounts a on a.account_id = l.credit_account;
comment on column ledger.postings.change_minor is
    'The change of the account''s balance, in its normal side.';

revoke all on function ledger.refuse_change from public;
grant select on ledger.accounts, ledger.journal_entries, ledger.journal_lines, ledger.postings
    to clearhouse_app;

select clearhouse.create_outbox('ledger');
select clearhouse.create_inbox('ledger');
