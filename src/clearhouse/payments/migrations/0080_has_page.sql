-- Whether an order is paid on a page stands with the order, so that nobody who reads all orders has
-- to look for their pages; and such a reading can be divided over processes.

alter table payments.payment_orders add column has_page boolean not null default false;

-- Weeks that are archived and still here refuse every change; of this one they need not know.
do $$
declare
    part regclass;
    sealed regclass[] := array(
        select t.tgrelid::regclass from pg_trigger t
        where t.tgname = 'sealed' and t.tgrelid in (
            select relid from pg_partition_tree('payments.payment_orders')));
begin
    foreach part in array sealed loop
        execute format('alter table %s disable trigger sealed', part);
    end loop;
    update payments.payment_orders o set has_page = true
    from payments.pages g where g.event_id = o.event_id;
    foreach part in array sealed loop
        execute format('alter table %s enable trigger sealed', part);
    end loop;
end
$$;

-- Processes of the version before this one store orders without it, and their pages right after.
create function payments.mark_orders_of_pages() returns trigger language plpgsql as $$
begin
    update payments.payment_orders o set has_page = true
    from stored g where g.event_id = o.event_id and not o.has_page;
    return null;
end
$$;
create trigger mark_orders after insert on payments.pages referencing new table as stored
    for each statement execute function payments.mark_orders_of_pages();

create or replace view payments.psp_facts as
    select o.order_id as fact_id, 'charge' as kind, o.psp, o.psp_reference as reference, o.order_id,
        o.payment_order_id as public_id, o.captured_minor as amount_minor, o.currency,
        o.finalized_at as happened_at, o.reversed_at is not null as is_reversed
    from payments.payment_orders o
    where o.status = 'SUCCESS' and not o.has_page
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
