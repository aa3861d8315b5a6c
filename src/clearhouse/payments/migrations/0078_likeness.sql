-- What reconciliation compares a charge with that carries no reference of ours.

-- The last digits of the card, where the PSP's answer told them.
alter table payments.attempts add column card_tail text
    check (card_tail is null or length(card_tail) between 1 and 4);

create view payments.order_marks as
    select o.order_id, o.payment_order_id, o.psp, o.status, o.psp_reference, o.currency,
        case when o.status = 'SUCCESS' then o.captured_minor else o.amount_minor end as amount_minor,
        coalesce(o.finalized_at, o.updated_at) as happened_at, coalesce(a.card_tail, '') as card_tail
    from payments.payment_orders o
    left join payments.attempts a on a.order_id = o.order_id and a.attempt = o.attempt;
grant select on payments.order_marks to clearhouse_app;
