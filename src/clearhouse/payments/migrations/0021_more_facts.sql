-- More facts for reconciliation: charges that no order stands for, which orders a charge paid, and
-- what an order and its attempts say of each other.

create or replace view payments.psp_facts as
    select o.order_id as fact_id, 'charge' as kind, o.psp, o.psp_reference as reference, o.order_id,
        o.payment_order_id as public_id, o.captured_minor as amount_minor, o.currency,
        o.finalized_at as happened_at, o.reversed_at is not null as is_reversed
    from payments.payment_orders o
    where o.status = 'SUCCESS'
        and not exists (select from payments.pages g where g.event_id = o.event_id)
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

-- All orders that one charge paid, by the order that reconciliation knows the charge by.
create view payments.orders_of_charges as
    select c.order_id as charge_order_id, o.order_id, o.payment_order_id, o.seller_account,
        o.captured_minor as amount_minor, o.currency
    from payments.payment_orders c
    join payments.payment_orders o on o.event_id = c.event_id
    where o.status = 'SUCCESS' and (o.order_id = c.order_id
        or exists (select from payments.pages g where g.event_id = c.event_id));

-- Sales as ledger and wallets must have them.
create view payments.sales as
    select o.order_id, o.payment_order_id, o.psp, o.captured_minor as amount_minor, o.fee_minor,
        o.currency, o.finalized_at
    from payments.payment_orders o where o.status = 'SUCCESS';

-- Final orders whose attempts say otherwise. What is paid on a page has no attempts.
create view payments.attempts_that_differ as
    select o.order_id, o.payment_order_id, o.psp, o.status, o.captured_minor, o.amount_minor,
        o.currency, o.finalized_at, coalesce(a.successes, 0) as successes
    from payments.payment_orders o
    left join lateral (
        select count(*) filter (where a.outcome = 'succeeded') as successes
        from payments.attempts a where a.order_id = o.order_id
    ) a on true
    where (o.status = 'FAILED' and a.successes > 0) or (o.status = 'SUCCESS' and a.successes > 1);

grant select on payments.orders_of_charges, payments.sales, payments.attempts_that_differ
    to clearhouse_app;
