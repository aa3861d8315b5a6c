-- What the demo shows of the books. It looks from outside, over all services, as an operator
-- with a SQL prompt would; no service reads like this.

-- name: progress
select psp, status, coalesce(status_reason, '') as reason, count(*) as orders
from payments.payment_orders group by 1, 2, 3

-- name: open_checkouts
select count(*) from payments.payment_events where not is_payment_done

-- name: orders
select payment_order_id, psp, amount_minor, currency, status, psp_reference
from payments.payment_orders

-- name: money
select o.currency, count(*) as orders, sum(o.amount_minor)::bigint as paid,
    sum(o.fee_minor)::bigint as fees,
    (select coalesce(sum(a.balance_minor), 0)::bigint from ledger.accounts a
        where a.currency = o.currency and a.code like 'psp\_receivable:%') as receivable,
    (select coalesce(sum(w.pending_minor + w.available_minor + w.reserved_minor), 0)::bigint
        from wallets.wallets w where w.currency = o.currency)
    + (select coalesce(sum(p.amount_minor), 0)::bigint from wallets.payouts p
        where p.currency = o.currency and p.status not in ('failed', 'returned', 'cancelled'))
        as owed,
    (select count(*) from wallets.wallets w where w.currency = o.currency) as sellers
from payments.payment_orders o where o.status = 'SUCCESS'
group by o.currency order by count(*) desc, o.currency

-- name: outcomes
select psp, count(*) as orders,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    count(*) filter (where status = 'FAILED') as failed,
    count(*) filter (where status not in ('SUCCESS', 'FAILED')) as open
from payments.payment_orders group by psp order by psp

-- name: failures
select coalesce(failure_code, 'other') as reason, count(*) as orders
from payments.payment_orders where status = 'FAILED' group by 1 order by 2 desc, 1

-- name: whole_life
select extract(epoch from percentile_cont(0.5) within group (order by finalized_at - created_at))
        ::float8 as p50,
    extract(epoch from percentile_cont(0.99) within group (order by finalized_at - created_at))
        ::float8 as p99
from payments.payment_orders where finalized_at is not null

-- name: asked_again
select count(*) as orders, coalesce(sum(calls - 1), 0)::bigint as calls
from payments.attempts where calls > 1

-- name: payable
select seller_account from wallets.wallets where currency = 'EUR' and available_minor >= 100
order by available_minor desc, seller_account

-- name: unanswered
-- One of several has a closed account, so the bank's answers are not all there before one failed.
select count(*) filter (where status in ('created', 'approved')
        or (status = 'submitted' and reason <> 'under_way'))
    + (count(*) > 1 and count(*) filter (where status = 'failed') = 0)::int
from wallets.payouts

-- name: payouts
select status, count(*) as payouts, sum(amount_minor)::bigint as minor from wallets.payouts
group by status order by status

-- name: payout_keys
select replace(payout_id::text, '-', '') as key from wallets.payouts where batch_id is not null

-- name: fault_places
-- Orders at which the demo lets something go wrong, in an order that is the same each time.
select psp, status, payment_order_id, psp_reference, amount_minor, currency
from payments.payment_orders
where status in ('SUCCESS', 'FAILED')
order by payment_order_id

-- name: mended
-- What payments has done by itself since lines proved it, and is done with.
select count(*) from payments.operations
where kind in ('stray_refund', 'refund') and status = 'SUCCEEDED'

-- name: breaks
select psp, cause, area, reference, currency, ours_minor, theirs_minor, at_stake_minor, state,
    told_at is not null as was_told
from reconciliation.breaks order by day, at_stake_minor desc, break_id

-- name: taken
-- What buyers have paid and not got back by the books, by PSP.
select psp, currency, sum(minor)::bigint as minor from (
    select psp, currency, captured_minor as minor from payments.payment_orders
    where status = 'SUCCESS' and reversed_at is null
    union all
    select psp, currency, -amount_minor from payments.operations
    where kind = 'refund' and status = 'SUCCEEDED'
) m group by psp, currency
