-- What must hold in the ledger, each as a count of what was looked at and the rows that offend.

-- name: entries_examined
select count(*) from ledger.journal_entries

-- name: entries_offenders
-- By the accounts' currency, not the line's: so a line across two currencies shows.
select format('%s of %s is out of balance by %s %s', kind, source_id, sum(amount_minor), currency)
    as offender
from (
    select l.source_id, l.kind, a.currency, l.amount_minor
    from ledger.journal_lines l join ledger.accounts a on a.account_id = l.debit_account
    union all
    select l.source_id, l.kind, a.currency, -l.amount_minor
    from ledger.journal_lines l join ledger.accounts a on a.account_id = l.credit_account
) p
group by source_id, kind, currency
having sum(amount_minor) <> 0

-- name: lines_examined
select count(*) from ledger.journal_lines

-- name: lines_offenders
select case
    when l.kind is null then format('%s of %s has no lines', e.kind, e.source_id)
    when e.kind is null then format('lines of %s of %s have no entry', l.kind, l.source_id)
    when l.strangers > 0 then format('%s of %s names an account that is not there', e.kind, e.source_id)
    else format('%s of %s has lost a line', e.kind, e.source_id) end as offender
from ledger.journal_entries e
full join (
    select l.source_id, l.kind, count(*) as lines, max(l.line) as last_line,
        count(*) filter (where d.account_id is null or c.account_id is null) as strangers
    from ledger.journal_lines l
    left join ledger.accounts d on d.account_id = l.debit_account
    left join ledger.accounts c on c.account_id = l.credit_account
    group by l.source_id, l.kind
) l on l.source_id = e.source_id and l.kind = e.kind
where e.kind is null or l.kind is null or l.lines <> l.last_line or l.strangers > 0

-- name: balances_examined
select count(*) from ledger.accounts

-- name: balances_offenders
select format('%s keeps %s after %s postings, but its %s postings sum to %s',
    a.code, a.balance_minor, a.posting_count, coalesce(p.postings, 0), coalesce(p.total, 0))
    as offender
from ledger.accounts a
left join (
    select account_id, sum(postings) as postings, sum(change) as total
    from (
        select l.debit_account as account_id, 1 as postings,
            l.amount_minor * a.debit_sign as change
        from ledger.journal_lines l join ledger.accounts a on a.account_id = l.debit_account
        union all
        select l.credit_account, 1, -l.amount_minor * a.debit_sign
        from ledger.journal_lines l join ledger.accounts a on a.account_id = l.credit_account
        union all
        select account_id, last_sequence - first_sequence + 1, change_minor
        from ledger.archived_postings
    ) s
    group by account_id
) p on p.account_id = a.account_id
where a.balance_minor <> coalesce(p.total, 0) or a.posting_count <> coalesce(p.postings, 0)

-- name: running_examined
select (select count(*) * 2 from ledger.journal_lines)
    + (select count(*) from ledger.archived_postings)

-- name: running_offenders
-- A run of archived postings is one step of many postings, first_sequence to sequence.
select format('posting %s of %s (%s of %s) ends at %s, but it started from %s and changes it by %s',
    sequence, code, kind, source_id, balance_after, coalesce(balance_before, 0), change) as offender
from (
    select p.*, a.code,
        lag(balance_after) over (partition by p.account_id order by sequence) as balance_before,
        lag(sequence) over (partition by p.account_id order by sequence) as sequence_before,
        lag(posted_at) over (partition by p.account_id order by sequence) as posted_before
    from (
        select l.source_id, l.kind, l.posted_at as first_posted_at, l.posted_at,
            l.debit_account as account_id,
            l.debit_sequence as first_sequence, l.debit_sequence as sequence,
            l.debit_balance_after as balance_after, l.amount_minor * a.debit_sign as change
        from ledger.journal_lines l join ledger.accounts a on a.account_id = l.debit_account
        union all
        select l.source_id, l.kind, l.posted_at, l.posted_at, l.credit_account,
            l.credit_sequence, l.credit_sequence,
            l.credit_balance_after, -l.amount_minor * a.debit_sign
        from ledger.journal_lines l join ledger.accounts a on a.account_id = l.credit_account
        union all
        select range_from, 'archived', first_posted_at, last_posted_at, account_id,
            first_sequence, last_sequence, balance_after, change_minor
        from ledger.archived_postings
    ) p
    join ledger.accounts a on a.account_id = p.account_id
) r
where balance_after <> coalesce(balance_before, 0) + change
    or first_sequence <> coalesce(sequence_before, 0) + 1
    or first_posted_at < posted_before

-- name: archived_examined
select count(*) from ledger.archived_postings

-- name: archived_offenders
select format('what was archived from %s on is out of balance by %s %s', range_from,
    sum(r.change_minor * a.debit_sign), a.currency) as offender
from ledger.archived_postings r join ledger.accounts a on a.account_id = r.account_id
group by range_from, a.currency
having sum(r.change_minor * a.debit_sign) <> 0

-- name: trial_examined
select count(distinct currency) from ledger.accounts

-- name: trial_offenders
select format('%s: debits exceed credits by %s', currency, sum(balance_minor * debit_sign))
    as offender
from ledger.accounts
group by currency
having sum(balance_minor * debit_sign) <> 0
