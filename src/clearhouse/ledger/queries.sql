-- The ledger's only SQL outside its migrations.

-- name: open_accounts
select code, account_id, type, currency, is_settled
from ledger.open_accounts($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5)

-- name: post
-- One round trip for the entries and their events; an entry that is not booked tells nothing.
with refused as materialized (
    select entry, outcome, stored_id
    from ledger.book($1, $2::text::bigint[], $17, $3::text::uuid[], $4::text::text[],
        $5::text::uuid[], $6::text::text[], $7, $8::text::text[], $9::text::int[],
        $10::text::smallint[], $11::text::int[], $12::text::int[], $13::text::bigint[])
), published as (
    insert into ledger.outbox (aggregate_id, version, type, occurred_at, payload)
    select e.id, 1, $14, $15, e.payload
    from unnest($3::text::uuid[], string_to_array($16, e'\n')) with ordinality e (id, payload, n)
    where e.payload is not null and e.n not in (select entry from refused)
)
select entry, outcome, stored_id from refused

-- name: balances
select code, type, owner, currency, balance_minor, posting_count
from ledger.accounts
where $1::text[] is null or code = any($1)
order by code

-- name: trial_balance
select currency, type,
    sum(case when debit_sign = 1 then balance_minor else 0 end)::bigint as debit_minor,
    sum(case when debit_sign = -1 then balance_minor else 0 end)::bigint as credit_minor
from ledger.accounts
group by currency, type
order by currency, type

-- name: entries_of
select entry_id, kind, line, side, account, currency, amount_minor, balance_after,
    event_at, posted_at
from ledger.postings
where source_id = $1
order by entry_id, line, side desc

-- name: balance_as_posted
-- The last posting that the ledger had learnt by then says the balance. A run of archived postings
-- says it at its end; what was in between (is_archived) only the archive knows.
select a.currency, coalesce((
    select s.balance
    from (
        (select l.debit_balance_after as balance, l.debit_sequence as sequence
        from ledger.journal_lines l
        where l.debit_account = a.account_id and l.posted_at <= $2
        order by l.posted_at desc, l.debit_sequence desc limit 1)
        union all
        (select l.credit_balance_after, l.credit_sequence
        from ledger.journal_lines l
        where l.credit_account = a.account_id and l.posted_at <= $2
        order by l.posted_at desc, l.credit_sequence desc limit 1)
        union all
        (select r.balance_after, r.last_sequence
        from ledger.archived_postings r
        where r.account_id = a.account_id and r.last_posted_at <= $2
        order by r.last_sequence desc limit 1)
    ) s
    order by s.sequence desc limit 1
), 0) as balance_minor, exists (
    select from ledger.archived_postings r
    where r.account_id = a.account_id and r.first_posted_at <= $2 and r.last_posted_at > $2
) as is_archived
from ledger.accounts a
where a.code = $1

-- name: balance_as_happened
-- Nothing is learnt before it happened: only postings learnt later can have happened later.
select a.currency, (a.balance_minor - coalesce((
    select sum(p.change_minor)
    from ledger.postings p
    where p.account_id = a.account_id and p.posted_at > $2 and p.event_at > $2
), 0))::bigint as balance_minor, exists (
    select from ledger.archived_postings r
    where r.account_id = a.account_id and r.last_event_at > $2
) as is_archived
from ledger.accounts a
where a.code = $1

-- name: funds_flows
-- Lines between an asset and an account that is none, and what the assets moved by before all that
-- was archived.
select d.currency, l.kind,
    split_part(case when d.type = 'asset' then c.code else d.code end, ':', 1) as family,
    sum(case when d.type = 'asset' then l.amount_minor else -l.amount_minor end)::bigint as minor
from ledger.journal_lines l
join ledger.accounts d on d.account_id = l.debit_account
join ledger.accounts c on c.account_id = l.credit_account
where (d.type = 'asset') <> (c.type = 'asset')
group by 1, 2, 3
union all
select a.currency, '', '', sum(p.change_minor)::bigint
from ledger.archived_postings p
join ledger.accounts a on a.account_id = p.account_id
where a.type = 'asset'
group by a.currency

-- name: funds_balances
-- Sellers are one sum, since they may be many; PSPs and banks are few and told apart.
select currency, split_part(code, ':', 1) as family, type,
    case when type = 'asset' then owner else '' end as holder,
    sum(balance_minor)::bigint as minor,
    coalesce(sum(balance_minor) filter (where balance_minor < 0), 0)::bigint as negative_minor
from ledger.accounts
group by 1, 2, 3, 4
