-- What must hold in payments, each as a count of what was looked at and the rows that offend.

-- name: orders_examined
select count(*) from payments.payment_orders

-- name: orders_offenders
-- An attempt's row is written when it is first claimed, so the newest may still lack one. What is
-- paid on a page has no work of its own: the page has.
select format('%s is %s, attempt %s, with %s attempts stored and %s', o.payment_order_id, o.status,
    o.attempt, coalesce(a.attempts, 0),
    case when coalesce(w.order_id, pw.page_id) is null then 'no work waiting' else 'work waiting' end)
    as offender
from payments.payment_orders o
left join (
    select order_id, count(*) as attempts, max(attempt) as latest
    from payments.attempts group by order_id
) a on a.order_id = o.order_id
left join payments.work w on w.order_id = o.order_id
left join payments.pages p on p.event_id = o.event_id
left join payments.page_work pw on pw.page_id = p.page_id
left join payments.order_keys k on k.payment_order_id = o.payment_order_id
where k.order_id is distinct from o.order_id
    or (o.finalized_at is null) <> (coalesce(w.order_id, pw.page_id) is not null)
    or (w.order_id is not null and p.page_id is not null)
    or coalesce(a.attempts, 0) <> coalesce(a.latest, 0)
    or coalesce(a.latest, 0) not between o.attempt - (o.status = 'EXECUTING')::int and o.attempt

-- name: charges_examined
select count(*) from payments.attempts

-- name: charges_offenders
-- The orders of one page share its key and its charge, and nobody else does.
select format('PSP key %s of %s was used for %s attempts', idempotency_key, psp, count(*)) as offender
from (
    select a.psp, a.idempotency_key, coalesce(p.page_id::text, format('%s %s', a.order_id, a.attempt))
        as what
    from payments.attempts a
    join payments.payment_orders o on o.order_id = a.order_id
    left join payments.pages p on p.event_id = o.event_id
    group by 1, 2, 3
) used
group by psp, idempotency_key having count(*) > 1
union all
select format('charge %s of %s stands for %s orders', psp_reference, psp, sum(orders))
from (
    select o.psp, o.psp_reference, coalesce(p.page_id, o.order_id) as what, count(*) as orders
    from payments.payment_orders o left join payments.pages p on p.event_id = o.event_id
    where o.status = 'SUCCESS' group by 1, 2, 3
) charged
group by psp, psp_reference having count(*) > 1

-- name: pages_examined
select count(*) from payments.pages

-- name: pages_offenders
-- A page decides all orders of its checkout together, and waits exactly until it has.
select format('page %s is %s over %s %s with %s orders over %s %s, of which %s are paid, and %s',
    p.page_id, p.state, p.total_minor, p.currency, count(*), sum(o.amount_minor),
    min(o.currency), count(*) filter (where o.status = 'SUCCESS'),
    case when w.page_id is null then 'no work waiting' else 'work waiting' end) as offender
from payments.pages p
join payments.payment_orders o on o.event_id = p.event_id
left join payments.page_work w on w.page_id = p.page_id
group by p.page_id, w.page_id
having sum(o.amount_minor) <> p.total_minor
    or min(o.currency) <> p.currency or max(o.currency) <> p.currency
    or (w.page_id is null) <> (p.state in ('COMPLETED', 'EXPIRED'))
    or bool_or(o.status = 'SUCCESS') <> (p.state = 'COMPLETED')
    or bool_or(o.status = 'FAILED') <> (p.state = 'EXPIRED')
    or bool_or(p.state = 'COMPLETED' and o.psp_reference <> p.charge_reference)

-- name: events_examined
select count(*) from payments.outbox

-- name: events_offenders
-- The first version of an order is told by its payment event; its own events start at 2.
select format('%s %s is at version %s, its events are %s to %s, %s of them',
    t.what, t.name, t.version, e.first, e.latest, coalesce(e.events, 0)) as offender
from (
    select 'order' as what, order_id as id, payment_order_id as name, version, 2 as first
    from payments.payment_orders
    union all
    select 'checkout', event_id, checkout_id, version, 1 from payments.payment_events
) t
left join (
    select aggregate_id, count(*) as events, min(version) as first, max(version) as latest
    from payments.outbox group by aggregate_id
) e on e.aggregate_id = t.id
where t.version - t.first + 1 <> coalesce(e.events, 0)
    or (e.events > 0 and (e.first <> t.first or e.latest <> t.version))

-- name: outcomes_examined
select count(*) from payments.payment_orders where finalized_at is not null

-- name: outcomes_offenders
select format('%s is %s, its final event is %s', o.payment_order_id, o.status,
    coalesce(e.type, 'missing')) as offender
from payments.payment_orders o
left join payments.outbox e on e.aggregate_id = o.order_id
    and e.type in ('payment_order.succeeded', 'payment_order.failed')
where (case o.status when 'SUCCESS' then 'payment_order.succeeded'
    when 'FAILED' then 'payment_order.failed' end) is distinct from e.type

-- name: checkouts_examined
select count(*) from payments.payment_events

-- name: checkouts_offenders
select format('checkout %s counts %s open orders, but %s are open',
    e.checkout_id, e.open_orders, coalesce(o.open, 0)) as offender
from payments.payment_events e
left join (
    select event_id, count(*) filter (where not (
        status = 'FAILED' or (status = 'SUCCESS' and ledger_updated and wallet_updated))) as open
    from payments.payment_orders group by event_id
) o on o.event_id = e.event_id
where e.open_orders <> coalesce(o.open, -1)

-- name: refunds_examined
select count(*) from payments.operations

-- name: refunds_offenders
-- Orders are older than what is done to them, so what an order has is all still here.
select format('%s has %s refunded, but its refunds are %s', o.payment_order_id, o.refunded_minor,
    coalesce(r.live, 0)) as offender
from payments.payment_orders o
left join (
    select order_id, sum(amount_minor) as live from payments.operations
    where kind = 'refund' and status <> 'FAILED' group by order_id
) r on r.order_id = o.order_id
where o.refunded_minor <> coalesce(r.live, 0)
union all
select format('operation %s is %s with %s', p.public_id, p.status,
    case when w.operation_id is null then 'no work waiting' else 'work waiting' end)
from payments.operations p left join payments.operation_work w on w.operation_id = p.operation_id
where (p.finalized_at is null) <> (w.operation_id is not null)
union all
select format('refund %s of %s stands for %s operations', psp_reference, psp, count(*))
from payments.operations where kind in ('refund', 'stray_refund') and status = 'SUCCEEDED'
group by psp, psp_reference having count(*) > 1
union all
select format('PSP key %s of %s was used for %s operations', idempotency_key, psp, count(*))
from payments.operations where idempotency_key is not null
group by psp, idempotency_key having count(*) > 1
union all
select format('operation %s is at version %s, but told %s events', p.public_id, p.version,
    coalesce(e.events, 0))
from payments.operations p
left join (
    select aggregate_id, count(*) as events, max(version) as latest
    from payments.outbox group by aggregate_id
) e on e.aggregate_id = p.operation_id
where p.version <> coalesce(e.events, 0) or p.version <> coalesce(e.latest, 0)

-- name: disputes_examined
select count(*) from payments.disputes

-- name: disputes_offenders
select format('%s has %s under dispute or lost, but its disputes are %s', o.payment_order_id,
    o.disputed_minor, coalesce(d.counted, 0)) as offender
from payments.payment_orders o
left join (
    select order_id, sum(counted_minor) as counted from payments.disputes
    where money in ('held', 'taken') group by order_id
) d on d.order_id = o.order_id
where o.disputed_minor <> coalesce(d.counted, 0)
union all
select format('dispute %s is at version %s, but told %s events', d.public_id, d.version,
    coalesce(e.events, 0))
from payments.disputes d
left join (
    select aggregate_id, count(*) as events, max(version) as latest
    from payments.outbox group by aggregate_id
) e on e.aggregate_id = d.dispute_id
where d.version <> coalesce(e.events, 0) or d.version <> coalesce(e.latest, 0)
union all
select format('dispute %s of %s is kept %s times', psp_reference, psp, count(*))
from payments.disputes group by psp, psp_reference having count(*) > 1

-- name: fees_examined
select count(*) from payments.payment_orders where fee_version is not null

-- name: fees_offenders
-- Each fee made again by other means than it was decided by: rate of the tier, rounded half up, then
-- the minimum, the cap and the sale itself.
select format('%s has a fee of %s, by %s version %s it is %s', payment_order_id, fee_minor, plan, version,
    due_minor) as offender
from (
    select o.payment_order_id, o.fee_minor, v.plan, v.version,
        v.valid_from > o.created_at or v.currency not in (o.currency, '') as is_other,
        least(o.captured_minor, coalesce(v.cap_minor, o.captured_minor), greatest(v.minimum_minor,
            (o.captured_minor * coalesce(v.tier_basis_points[t.n], v.basis_points) + 5000) / 10000
            + coalesce(v.tier_fixed_minor[t.n], v.fixed_minor))) as due_minor
    from payments.payment_orders o
    left join payments.fee_versions v on v.version_id = o.fee_version
    left join lateral (
        select max(n) as n from generate_subscripts(v.tier_from, 1) n
        where v.tier_from[n] <= o.fee_volume_minor
    ) t on true
    where o.fee_version is not null
) f
where due_minor is distinct from fee_minor or is_other
