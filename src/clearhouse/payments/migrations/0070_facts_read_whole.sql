-- The same facts, read faster when reconciliation reads all of them. Whether an order was paid on a
-- page is now asked in a way that no plan can turn round: as a join it was, and then a table of all
-- orders was built in memory to look up a handful of pages in it.

create or replace view payments.psp_facts as
    select o.order_id as fact_id, 'charge' as kind, o.psp, o.psp_reference as reference, o.order_id,
        o.payment_order_id as public_id, o.captured_minor as amount_minor, o.currency,
        o.finalized_at as happened_at, o.reversed_at is not null as is_reversed
    from payments.payment_orders o
    where o.status = 'SUCCESS'
        and coalesce(not exists (select from payments.pages g where g.event_id = o.event_id), true)
    union all
    select g.page_id, 'charge', min(o.psp), min(o.psp_reference), min(o.order_id::text)::uuid,
        min(o.payment_order_id), sum(o.captured_minor)::bigint, min(o.currency),
        min(o.finalized_at), bool_and(o.reversed_at is not null)
    from payments.pages g join payments.payment_orders o on o.event_id = g.event_id
    where o.status = 'SUCCESS'
    group by g.page_id
    union all
    -- One that failed late had been made: its line comes twice, there and back.
    select p.operation_id, 'refund', p.psp, p.psp_reference, p.order_id, p.public_id,
        p.amount_minor, p.currency, p.finalized_at, p.status = 'FAILED'
    from payments.operations p
    where p.kind in ('refund', 'stray_refund') and p.status in ('SUCCEEDED', 'FAILED')
        and p.psp_reference is not null
    union all
    select d.dispute_id, 'dispute', d.psp, d.psp_reference, d.order_id, d.public_id,
        d.amount_minor, d.currency, coalesce(d.opened_at, d.created_at), d.money = 'returned'
    from payments.disputes d
    where d.money <> 'none'
    union all
    -- Found by somebody before the PSP reported it, or by its line; a void leaves no line at all.
    select p.operation_id, 'stray', p.psp, p.charge_reference, p.order_id, p.public_id,
        p.charged_minor, p.currency, p.created_at, false
    from payments.operations p
    where p.kind = 'stray_refund';
