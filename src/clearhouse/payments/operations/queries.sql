-- All SQL of operations. Every statement takes a batch as arrays. Rows are locked in the order
-- work, operations, orders, and in each in the order of ids, so that nobody waits in a circle.

-- name: look_before_operation
-- What is known already of each request of a batch; takes each key's lock for the transaction.
with request as materialized (
    select r.place, r.api_key_id, r.idempotency_key, r.public_id,
        pg_try_advisory_xact_lock(
            hashtextextended(r.api_key_id::text || r.idempotency_key, 7)) as locked
    from unnest($1::int[], $2::uuid[], $3::text[], $4::text[])
        as r (place, api_key_id, idempotency_key, public_id)
)
select r.place, r.locked, k.body_hash, k.answer, (k.expires_at < now()) as expired,
    o.operation_id as taken_by
from request r
left join payments.idempotency_keys k
    on k.api_key_id = r.api_key_id and k.idempotency_key = r.idempotency_key
left join payments.operation_keys o on o.public_id = r.public_id

-- name: lock_orders
select o.order_id, o.payment_order_id, o.seller_account, o.amount_minor, o.currency, o.psp,
    o.status, o.status_reason, o.psp_reference, o.captured_minor, o.refunded_minor,
    o.disputed_minor, coalesce(o.fee_minor, 0) as fee_minor, o.reversed_at is not null as reversed
from payments.payment_orders o
where o.order_id = any($1::uuid[])
order by o.order_id
for update of o

-- name: order_ids
select payment_order_id, order_id from payments.order_keys where payment_order_id = any($1::text[])

-- name: operations_beside
-- Read after the orders are locked: what was created for them meanwhile is seen.
select order_id,
    coalesce(sum(fee_returned_minor) filter (where kind = 'refund' and status <> 'FAILED'), 0)::bigint
        as fee_returned_minor,
    bool_or(kind in ('capture', 'void') and status <> 'FAILED') as ending
from payments.operations where order_id = any($1::uuid[]) group by order_id

-- name: store_operations
-- One statement for all of a batch. Keys that another transaction took in the meantime show as a
-- count that is too small, and the whole is rolled back.
with new as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
        $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::text[], $15::int[], $16::timestamptz[])
        as n (operation_id, public_id, order_id, kind, origin, amount_minor, charged_minor, currency,
            fee_returned_minor, psp, charge_reference, note, status, psp_reference, version,
            created_at)
), public_key as (
    insert into payments.operation_keys (public_id, operation_id)
    select public_id, operation_id from new order by public_id
    on conflict do nothing returning 1
), idempotency_key as (
    insert into payments.idempotency_keys
        (api_key_id, idempotency_key, body_hash, answer, created_at, expires_at)
    select k.*, now(), now() + $21::interval
    from unnest($17::uuid[], $18::text[], $19::bytea[], $20::bytea[])
        as k (api_key_id, idempotency_key, body_hash, answer)
    on conflict do nothing returning 1
), ending as (
    insert into payments.authorization_ends (order_id, operation_id)
    select order_id, operation_id from new where kind in ('capture', 'void') order by order_id
    on conflict do nothing returning 1
), operation as (
    insert into payments.operations (operation_id, public_id, order_id, kind, origin, amount_minor,
        charged_minor, currency, fee_returned_minor, psp, charge_reference, note, status,
        psp_reference, version, created_at, updated_at, finalized_at)
    select n.*, n.created_at,
        case when n.status in ('SUCCEEDED', 'FAILED') then n.created_at end
    from new n
), work as (
    insert into payments.operation_work (operation_id, psp)
    select operation_id, psp from new where status in ('CREATED', 'SUBMITTED')
), raised as (
    update payments.payment_orders o
    set refunded_minor = o.refunded_minor + r.amount_minor, updated_at = now()
    from (
        select order_id, sum(amount_minor)::bigint as amount_minor
        from new where kind = 'refund' group by order_id
    ) r
    where o.order_id = r.order_id
), published as (
    {publish}
)
select (select count(*) from public_key) as public_keys,
    (select count(*) from idempotency_key) as idempotency_keys,
    (select count(*) from ending) as endings

-- name: claim
with due as materialized (
    select operation_id from payments.operation_work where psp = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
), leased as (
    update payments.operation_work w
    set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
    from due where w.operation_id = due.operation_id
    returning w.operation_id, w.fence, w.tries
)
select p.operation_id, p.kind, p.charge_reference, p.charged_minor, p.amount_minor, p.currency,
    p.note, p.reason, p.attempt, p.idempotency_key, p.submitted_at, p.keyed_at, p.called_at,
    o.payment_order_id, l.fence, l.tries, now() as claimed_at
from leased l
join payments.operations p on p.operation_id = l.operation_id
join payments.payment_orders o on o.order_id = p.order_id

-- name: note_calls
update payments.operations p
set status = 'SUBMITTED', calls = p.calls + 1, idempotency_key = c.key,
    submitted_at = coalesce(p.submitted_at, now()), keyed_at = coalesce(p.keyed_at, now()),
    called_at = case when c.submits then now() else p.called_at end, updated_at = now()
from unnest($1::uuid[], $2::text[], $3::boolean[]) as c (operation_id, key, submits)
where p.operation_id = c.operation_id and p.status in ('CREATED', 'SUBMITTED')

-- name: lock_work
select operation_id, fence, tries from payments.operation_work
where operation_id = any($1::uuid[]) order by operation_id for update

-- name: lock_operations
select p.*, o.payment_order_id, o.seller_account,
    now() - coalesce(p.submitted_at, p.created_at) as waited
from payments.operations p join payments.payment_orders o on o.order_id = p.order_id
where p.operation_id = any($1::uuid[])
order by p.operation_id
for update of p

-- name: settle
update payments.operations p
set status = s.status, reason = s.reason, detail = coalesce(s.detail, p.detail),
    psp_reference = case when p.status = 'SUCCEEDED' then p.psp_reference
        else coalesce(s.psp_reference, p.psp_reference) end,
    attempt = p.attempt + s.new_key::int,
    keyed_at = case when s.new_key then null else p.keyed_at end, version = s.version,
    updated_at = now(),
    finalized_at = case when s.status in ('SUCCEEDED', 'FAILED') then $8::timestamptz end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::int[])
    as s (operation_id, status, reason, detail, psp_reference, new_key, version)
where p.operation_id = s.operation_id

-- name: finish_work
delete from payments.operation_work where operation_id = any($1::uuid[])

-- name: postpone_work
update payments.operation_work w set next_at = now() + p.wait, tries = p.tries
from unnest($1::uuid[], $2::interval[], $3::int[]) as p (operation_id, wait, tries)
where w.operation_id = p.operation_id

-- name: give_back
-- A refund that failed: its money may be refunded again.
update payments.payment_orders o
set refunded_minor = o.refunded_minor - f.amount_minor, updated_at = now()
from (
    select order_id, sum(amount_minor)::bigint as amount_minor
    from unnest($1::uuid[], $2::bigint[]) as f (order_id, amount_minor) group by order_id
) f
where o.order_id = f.order_id

-- name: release_authorizations
-- A capture or void that failed: the authorization may be ended in another way.
delete from payments.authorization_ends where operation_id = any($1::uuid[])

-- name: ask_again
update payments.operation_work set next_at = least(next_at, now()) where operation_id = $1

-- name: raise_to_person
insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)
select r.consumer, 'outcome', r.aggregate_id, r.version, r.payload, r.error
from unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::text[])
    as r (consumer, aggregate_id, version, payload, error)
on conflict (consumer, aggregate_id, version) do nothing

-- name: operations_by_reference
select operation_id, psp, psp_reference from payments.operations
where psp_reference = any($1::text[]) and kind in ('refund', 'stray_refund')

-- name: operations_by_id
select operation_id from payments.operations where operation_id = any($1::uuid[])

-- name: orders_by_charge
select distinct k.order_id, k.psp, k.psp_reference from payments.charge_keys k
join unnest($1::text[], $2::text[]) as w (psp, psp_reference) using (psp, psp_reference)
order by k.order_id

-- name: operation
select p.*, o.payment_order_id
from payments.operation_keys k
join payments.operations p on p.operation_id = k.operation_id
join payments.payment_orders o on o.order_id = p.order_id
where k.public_id = $1

-- name: operations_of
select p.*, o.payment_order_id
from payments.operations p join payments.payment_orders o on o.order_id = p.order_id
where p.order_id = $1 order by p.operation_id

-- name: strays_by_charge
select psp, charge_reference from payments.operations
where kind = 'stray_refund' and charge_reference = any($1::text[])

-- name: raise_foreign_refund
-- Numbered by what is there, so that each such refund is a letter of its own.
insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)
select 'operations', 'foreign_refund', $1, 1 + count(*), $2, $3 from payments.dead_letters
where consumer = 'operations' and aggregate_id = $1
having not exists (
    select from payments.dead_letters
    where consumer = 'operations' and aggregate_id = $1 and payload = $2)
on conflict (consumer, aggregate_id, version) do nothing
