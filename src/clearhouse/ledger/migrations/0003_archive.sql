-- What stays of postings whose partition was archived, so that balances can still be checked from
-- the first posting on.
--
-- A partition holds the postings of a time of *sources*, and an account's postings are numbered in
-- the order of *booking*: an order of Sunday may be booked on Monday, after one of Monday. So what
-- is archived of an account is not simply its beginning: one row is one run without a gap.

create table ledger.archived_postings (
    account_id bigint not null,
    first_sequence bigint not null check (first_sequence >= 1),
    last_sequence bigint not null check (last_sequence >= first_sequence),
    change_minor bigint not null,
    balance_after bigint not null,
    first_posted_at timestamptz not null,
    last_posted_at timestamptz not null,
    last_event_at timestamptz not null,
    range_from uuid not null,
    primary key (account_id, first_sequence)
);
comment on table ledger.archived_postings is
    'Runs of archived postings: the sum of their changes, in the account''s normal side.';

create trigger append_only before update or delete on ledger.archived_postings
    for each row execute function ledger.refuse_change();
create trigger append_only_whole before truncate on ledger.archived_postings
    for each statement execute function ledger.refuse_change();

create function ledger.runs_of(range_from uuid, range_to uuid)
    returns setof ledger.archived_postings
    language sql stable
    as $$
        with posting as (
            select l.debit_account as account_id, l.debit_sequence as sequence,
                l.debit_balance_after as balance_after, l.amount_minor * a.debit_sign as change,
                l.posted_at, l.source_id, l.kind
            from ledger.journal_lines l join ledger.accounts a on a.account_id = l.debit_account
            where l.source_id >= range_from and l.source_id < range_to
            union all
            select l.credit_account, l.credit_sequence,
                l.credit_balance_after, -l.amount_minor * a.debit_sign,
                l.posted_at, l.source_id, l.kind
            from ledger.journal_lines l join ledger.accounts a on a.account_id = l.credit_account
            where l.source_id >= range_from and l.source_id < range_to
        ), numbered as (
            select p.*, e.event_at,
                p.sequence - row_number() over (partition by account_id order by sequence) as run
            from posting p
            join ledger.journal_entries e on e.source_id = p.source_id and e.kind = p.kind
            where e.source_id >= range_from and e.source_id < range_to
        )
        select account_id, min(sequence), max(sequence), ledger.total(change),
            (array_agg(balance_after order by sequence desc))[1],
            min(posted_at), max(posted_at), max(event_at), range_from
        from numbered
        group by account_id, run
    $$;

revoke all on function ledger.runs_of from public;
grant select on ledger.archived_postings to clearhouse_app;
