-- All SQL of disputes. Orders are locked before disputes, each in the order of ids.

-- name: known
select k.psp, k.psp_reference, d.dispute_id, d.order_id
from payments.dispute_keys k
join unnest($1::text[], $2::text[]) as w (psp, psp_reference) using (psp, psp_reference)
join payments.disputes d on d.dispute_id = k.dispute_id

-- name: lock
select d.*, o.payment_order_id, o.seller_account
from payments.disputes d join payments.payment_orders o on o.order_id = d.order_id
where d.dispute_id = any($1::uuid[]) order by d.dispute_id for update of d

-- name: store
-- New disputes and changed ones alike; a key that another transaction took shows in the count.
with told as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
        $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[],
        $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::bigint[], $17::int[],
        $18::int[], $19::timestamptz[])
        as t (dispute_id, public_id, order_id, psp, psp_reference, amount_minor, currency,
            counted_minor, seller_minor, stage, money, reason, evidence_due_at, opened_at, told_as_of,
            told_version, version, opened_version, created_at)
), key as (
    insert into payments.dispute_keys (psp, psp_reference, dispute_id)
    select psp, psp_reference, dispute_id from told where dispute_id = any($20::uuid[])
    order by psp, psp_reference
    on conflict do nothing returning 1
), dispute as (
    insert into payments.disputes (dispute_id, public_id, order_id, psp, psp_reference, amount_minor,
        currency, counted_minor, seller_minor, stage, money, reason, evidence_due_at, opened_at,
        told_as_of, told_version, version, opened_version, created_at, updated_at)
    select t.*, now() from told t
    on conflict (dispute_id) do update
    set counted_minor = excluded.counted_minor, seller_minor = excluded.seller_minor,
        stage = excluded.stage, money = excluded.money, reason = excluded.reason,
        evidence_due_at = excluded.evidence_due_at, told_as_of = excluded.told_as_of,
        told_version = excluded.told_version, version = excluded.version,
        opened_version = excluded.opened_version, updated_at = now()
), counted as (
    update payments.payment_orders o
    set disputed_minor = o.disputed_minor + c.change, updated_at = now()
    from unnest($21::uuid[], $22::bigint[]) as c (order_id, change)
    where o.order_id = c.order_id and c.change <> 0
)
select count(*) as keys from key

-- name: raise_to_person
-- Numbered by what is there, so that each finding is a letter of its own, once.
insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)
select 'disputes', $1, $2, 1 + count(*), $3, $4 from payments.dead_letters
where consumer = 'disputes' and aggregate_id = $2
having not exists (
    select from payments.dead_letters
    where consumer = 'disputes' and aggregate_id = $2 and payload = $3)
on conflict (consumer, aggregate_id, version) do nothing

-- name: dispute
select d.*, o.payment_order_id, o.seller_account
from payments.disputes d join payments.payment_orders o on o.order_id = d.order_id
where d.dispute_id = $1

-- name: list
select d.*, o.payment_order_id, o.seller_account
from payments.disputes d join payments.payment_orders o on o.order_id = d.order_id
where ($1::uuid is null or d.dispute_id < $1) and ($2::text is null or d.stage = $2)
order by d.dispute_id desc limit $3

-- name: disputes_of
select d.*, o.payment_order_id, o.seller_account
from payments.disputes d join payments.payment_orders o on o.order_id = d.order_id
where d.order_id = $1 order by d.dispute_id
