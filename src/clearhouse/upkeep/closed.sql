-- What is still on its way in a range of time, counted between the bounds $1 and $2 (UUIDv7).

-- name: not_final
-- {table}, {key} and {final} are fixed in the code.
select count(*) from {table} where {key} >= $1 and {key} < $2 and not ({final})

-- name: stray
-- What lies in a default partition cannot be put away with the range it belongs to.
select count(*) from {table} where {key} < $1

-- name: work
select count(*) from payments.work where order_id >= $1 and order_id < $2

-- name: straddling
-- A checkout and its orders share a moment, so they go together.
select count(*) from payments.payment_orders
where (order_id >= $1 and order_id < $2 and not (event_id >= $1 and event_id < $2))
    or (event_id >= $1 and event_id < $2 and not (order_id >= $1 and order_id < $2))

-- name: one_sided
-- What a seller is owed, and only the ledger or only the wallet knows of.
select count(*)
from (
    select l.source_id, a.owner, a.currency, sum(l.change) as minor
    from (
        select source_id, credit_account as account_id, amount_minor as change
        from ledger.journal_lines where source_id >= $1 and source_id < $2
        union all
        select source_id, debit_account, -amount_minor
        from ledger.journal_lines where source_id >= $1 and source_id < $2
    ) l
    join ledger.accounts a on a.account_id = l.account_id
    where starts_with(a.code, 'seller_payable:')
    group by l.source_id, a.owner, a.currency
) b
full join (
    select m.source_id, w.seller_account, w.currency,
        sum(m.pending_minor + m.available_minor + m.reserved_minor) as minor
    from wallets.movements m join wallets.wallets w on w.wallet_id = m.wallet_id
    where m.source_id >= $1 and m.source_id < $2
    group by m.source_id, w.seller_account, w.currency
) c on c.source_id = b.source_id and c.seller_account = b.owner and c.currency = b.currency
where coalesce(b.minor, 0) <> coalesce(c.minor, 0)

-- name: services_with_letters
select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relname = 'dead_letters' and c.relkind = 'r' order by n.nspname

-- name: letters
select count(*) from {schema}.dead_letters
where aggregate_id >= $1 and aggregate_id < $2 and resolved_at is null

-- name: unread
-- {publisher} and {consumer} are schemas, fixed in the code.
select count(*) from {publisher}.outbox e
left join {consumer}.positions p on p.consumer = $3
where e.aggregate_id >= $1 and e.aggregate_id < $2
    and (p.consumer is null or (e.xid, e.position) > (p.xid, p.position))
