-- The PSPs' own books beside ours. What the PSPs tell is copied into a temporary table first, so
-- that the comparison is set-wise and reads it where it lies.

-- name: make_tables
create temporary table if not exists told_batch (
    psp text not null,
    psp_reference text not null,
    payment_order_id text,
    amount_minor bigint not null,
    currency text not null,
    is_charged boolean not null,
    status text not null
);
create temporary table if not exists told (
    psp text not null,
    psp_reference text not null,
    payment_order_id text,
    amount_minor bigint not null,
    currency text not null,
    is_charged boolean not null,
    status text not null,
    primary key (psp, psp_reference)
);
create temporary table if not exists asked (
    psp text primary key,
    -- Orders accepted earlier are not looked for at the PSP.
    since timestamptz not null,
    -- What was committed when the PSP had been read to the end: later successes are on their way.
    seen pg_snapshot not null
);
truncate told_batch, told, asked

-- name: take_batch
-- Windows touch each other, so a charge may be told twice: what was told last holds.
insert into told
select distinct on (psp, psp_reference) * from told_batch
order by psp, psp_reference, is_charged desc
on conflict (psp, psp_reference) do update
set payment_order_id = excluded.payment_order_id, amount_minor = excluded.amount_minor,
    currency = excluded.currency, is_charged = excluded.is_charged, status = excluded.status

-- name: empty_batch
truncate told_batch

-- name: forget
delete from told where psp = $1

-- name: unasked
delete from asked where psp = $1

-- name: note_asked
insert into asked (psp, since, seen) values ($1, $2, pg_current_snapshot())

-- name: analyze
analyze told

-- name: psps_of_orders
select psp, min(created_at) as since from payments.payment_orders
where order_id >= $1::uuid group by psp

-- name: not_seen_charged
-- Lists may lag behind writes, so whoever is missing is asked for by name before anything is said.
select o.psp_reference
from payments.payment_orders o
left join told t on t.psp = o.psp and t.psp_reference = o.psp_reference and t.is_charged
where o.psp = $1 and o.status = 'SUCCESS' and o.order_id >= $2::uuid and t.psp_reference is null
order by o.order_id
limit $3

-- name: once_examined
select count(*) from told where is_charged

-- name: once_offenders
-- By whichever PSP: an order that two PSPs charged was charged twice. A charge that names a page
-- is one for each of its orders.
select format('%s was charged %s times: %s', o.payment_order_id, count(*),
    string_agg(format('%s of %s', t.psp_reference, t.psp), ', ' order by t.psp, t.psp_reference))
    as offender
from told t
left join payments.payment_orders r on r.psp = t.psp and r.psp_reference = t.psp_reference
left join payments.order_keys k on k.payment_order_id = t.payment_order_id
left join payments.pages g on g.page_id::text = t.payment_order_id and r.order_id is null
left join payments.payment_orders paged on paged.event_id = g.event_id
join payments.payment_orders o on o.order_id = coalesce(k.order_id, r.order_id, paged.order_id)
where t.is_charged and not exists (
    select from payments.operations p
    where p.kind = 'stray_refund' and p.status <> 'FAILED'
        and p.psp = t.psp and p.charge_reference = t.psp_reference)
group by o.order_id, o.payment_order_id
having count(*) > 1

-- name: charged_examined
select count(*) from payments.payment_orders o join asked a on a.psp = o.psp
where o.status = 'SUCCESS' and o.order_id >= clearhouse.uuid7_floor(a.since)

-- name: charged_offenders
select case
    when t.psp_reference is null then format('%s succeeded, but %s has no charge %s',
        o.payment_order_id, o.psp, o.psp_reference)
    when not t.is_charged then format('%s succeeded, but charge %s of %s is %s',
        o.payment_order_id, o.psp_reference, o.psp, t.status)
    when k.order_id <> o.order_id then format('%s names charge %s of %s, which was made for %s',
        o.payment_order_id, o.psp_reference, o.psp, t.payment_order_id)
    else format('%s is %s %s%s, but charge %s of %s is %s %s', o.payment_order_id,
        o.captured_minor, o.currency, ' on a page over ' || g.total_minor,
        o.psp_reference, o.psp, t.amount_minor, t.currency)
    end as offender
from payments.payment_orders o
join asked a on a.psp = o.psp
left join told t on t.psp = o.psp and t.psp_reference = o.psp_reference
left join payments.order_keys k on k.payment_order_id = t.payment_order_id
left join payments.pages g on g.event_id = o.event_id
where o.status = 'SUCCESS' and o.order_id >= clearhouse.uuid7_floor(a.since)
    and (t.is_charged is not true or k.order_id <> o.order_id
        or t.amount_minor <> coalesce(g.total_minor, o.captured_minor) or t.currency <> o.currency)
    -- What the PSP took back, or let go before it was settled, is no charge there any more.
    and not (t.is_charged is false
        and (o.reversed_at is not null or o.refunded_minor = o.captured_minor))
    and not exists (
        select from payments.outbox e
        where e.aggregate_id = o.order_id and e.type = 'payment_order.succeeded'
            and not pg_visible_in_snapshot(e.xid, a.seen))

-- name: uncharged_examined
select count(*) from payments.payment_orders o join asked a on a.psp = o.psp
where o.status in ('FAILED', 'NOT_STARTED') and o.order_id >= clearhouse.uuid7_floor(a.since)

-- name: uncharged_offenders
-- The PSPs were read before this snapshot was taken, so a charge of a new order is no haste.
select format('%s is %s, but charge %s of %s took %s %s', o.payment_order_id, o.status,
    t.psp_reference, t.psp, t.amount_minor, t.currency) as offender
from told t
left join payments.payment_orders r on r.psp = t.psp and r.psp_reference = t.psp_reference
left join payments.order_keys k on k.payment_order_id = t.payment_order_id
left join payments.pages g on g.page_id::text = t.payment_order_id and r.order_id is null
left join payments.payment_orders paged on paged.event_id = g.event_id
join payments.payment_orders o on o.order_id = coalesce(k.order_id, r.order_id, paged.order_id)
where t.is_charged and o.status in ('FAILED', 'NOT_STARTED') and not exists (
    select from payments.operations p
    where p.kind = 'stray_refund' and p.status <> 'FAILED'
        and p.psp = t.psp and p.charge_reference = t.psp_reference)

-- name: known_examined
select count(*) from told where is_charged

-- name: known_offenders
select format('charge %s of %s over %s %s%s is unknown to us', t.psp_reference, t.psp,
    t.amount_minor, t.currency, ' for ' || t.payment_order_id) as offender
from told t
left join payments.payment_orders r on r.psp = t.psp and r.psp_reference = t.psp_reference
left join payments.order_keys k on k.payment_order_id = t.payment_order_id
left join payments.pages g on g.page_id::text = t.payment_order_id
where t.is_charged and r.order_id is null and k.order_id is null and g.page_id is null
