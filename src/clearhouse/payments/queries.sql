-- All SQL of payments. Every statement takes a batch as arrays.

-- name: look_before_intake
-- What is known already of each request of a batch; takes each key's lock for the transaction.
with request as materialized (
    select r.place, r.api_key_id, r.idempotency_key, r.checkout_id,
        pg_try_advisory_xact_lock(
            hashtextextended(r.api_key_id::text || r.idempotency_key, 7)) as locked
    from unnest($1::int[], $2::uuid[], $3::text[], $4::text[])
        as r (place, api_key_id, idempotency_key, checkout_id)
)
select r.place, r.locked, k.body_hash, k.answer,
    (k.expires_at < now()) as expired, c.event_id as checkout_event
from request r
left join payments.idempotency_keys k
    on k.api_key_id = r.api_key_id and k.idempotency_key = r.idempotency_key
left join payments.checkout_keys c on c.checkout_id = r.checkout_id

-- name: used_order_ids
select k.payment_order_id from payments.order_keys k
join unnest($1::text[]) as wanted (payment_order_id) using (payment_order_id)

-- name: forget_keys
delete from payments.idempotency_keys k
using unnest($1::uuid[], $2::text[]) as old (api_key_id, idempotency_key)
where k.api_key_id = old.api_key_id and k.idempotency_key = old.idempotency_key

-- name: store_payments
-- One statement for all of a batch, the outbox's own among it. Keys that another transaction
-- took in the meantime show as a count that is too small, and the whole is rolled back.
with checkout_key as (
    insert into payments.checkout_keys (checkout_id, event_id)
    select * from unnest($1::text[], $2::uuid[])
    on conflict do nothing returning 1
), idempotency_key as (
    insert into payments.idempotency_keys
        (api_key_id, idempotency_key, body_hash, answer, created_at, expires_at)
    select k.api_key_id, k.idempotency_key, k.body_hash, k.answer, k.created_at,
        k.created_at + $9::interval
    from unnest($3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::timestamptz[])
        as k (api_key_id, idempotency_key, body_hash, answer, created_at)
    on conflict do nothing returning 1
), event as (
    insert into payments.payment_events
        (event_id, checkout_id, api_key_id, psp, payment_method, buyer_info, open_orders, created_at,
        return_url)
    select * from unnest($2::uuid[], $1::text[], $3::uuid[], $8::text[], $10::text[], $11::text[],
        $12::int[], $7::timestamptz[], $22::text[])
), order_key as (
    insert into payments.order_keys (payment_order_id, order_id)
    select * from unnest($14::text[], $13::uuid[])
    on conflict do nothing returning 1
), new_order as (
    insert into payments.payment_orders (order_id, payment_order_id, event_id, checkout_id,
        seller_account, amount_minor, currency, psp, capture_mode, created_at, updated_at,
        routed_by, route, has_page)
    select o.order_id, o.payment_order_id, o.event_id, o.checkout_id, o.seller_account,
        o.amount_minor, o.currency, o.psp, o.capture_mode, o.created_at, o.created_at, o.routed_by,
        string_to_array(o.route, ' '), o.has_page
    from unnest($13::uuid[], $14::text[], $15::uuid[], $16::text[], $17::text[], $18::bigint[],
        $19::text[], $20::text[], $23::text[], $21::timestamptz[], $25::text[], $26::text[],
        $24::boolean[])
        as o (order_id, payment_order_id, event_id, checkout_id, seller_account, amount_minor,
        currency, psp, capture_mode, created_at, routed_by, route, has_page)
), new_work as (
    -- An order that is paid on a page waits for the page, which has work of its own.
    insert into payments.work (order_id, psp) select w.order_id, w.psp
    from unnest($13::uuid[], $20::text[], $24::boolean[]) as w (order_id, psp, has_page)
    where not w.has_page
), published as (
    {publish}
)
select (select count(*) from checkout_key) as checkouts,
    (select count(*) from idempotency_key) as keys,
    (select count(*) from order_key) as orders

-- name: store_alternatives
insert into payments.alternatives (event_id, psp, payment_method)
select * from unnest($1::uuid[], $2::text[], $3::text[])

-- name: move_on
-- Orders that wait for a PSP which rests, were not sent to it with their present attempt, and can
-- be taken by another. A lease runs out later than now, so whoever is being asked is left alone.
with due as materialized (
    select w.order_id from payments.work w
    join payments.payment_orders o on o.order_id = w.order_id
    where w.psp = $1 and w.next_at <= now() and cardinality(o.route) > 0
        and not exists (select from payments.attempts a
            where a.order_id = o.order_id and a.attempt = greatest(o.attempt, 1))
    order by w.next_at limit $2 for update of w skip locked
), moved as (
    update payments.payment_orders o set psp = o.route[1], route = o.route[2:], updated_at = now()
    from due where o.order_id = due.order_id and cardinality(o.route) > 0
    returning o.order_id, o.psp
)
update payments.work w set psp = moved.psp, fence = w.fence + 1
from moved where w.order_id = moved.order_id
returning w.order_id

-- name: claim
-- next_at moves to the end of the lease; an executor that dies lets it pass and another claims.
with due as materialized (
    select order_id from payments.work where psp = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
), leased as (
    update payments.work w
    set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
    from due where w.order_id = due.order_id
    returning w.order_id, w.fence, w.tries
), started as (
    update payments.payment_orders o
    set status = 'EXECUTING', attempt = 1, version = o.version + 1, updated_at = now()
    from leased where o.order_id = leased.order_id and o.status = 'NOT_STARTED'
    returning o.order_id, o.version
)
select o.order_id, o.payment_order_id, o.checkout_id, o.seller_account, o.amount_minor, o.currency,
    o.psp, greatest(o.attempt, 1) as attempt, o.status_reason, o.capture_mode, e.return_url,
    case when o.route is null then e.payment_method else (
        select v.payment_method from payments.alternatives v
        where v.event_id = o.event_id and v.psp = o.psp) end as payment_method,
    l.fence, l.tries, a.idempotency_key, a.started_at, a.charged_at,
    s.version as started_version, now() as claimed_at
from leased l
join payments.payment_orders o on o.order_id = l.order_id
join payments.payment_events e on e.event_id = o.event_id
left join payments.attempts a on a.order_id = o.order_id and a.attempt = o.attempt
left join started s on s.order_id = o.order_id

-- name: note_calls
insert into payments.attempts
    (order_id, attempt, psp, idempotency_key, calls, started_at, charged_at)
select order_id, attempt, $4, key, 1, now(), now()
from unnest($1::uuid[], $2::int[], $3::text[]) as c (order_id, attempt, key)
on conflict (order_id, attempt) do update
set calls = attempts.calls + 1,
    charged_at = case when excluded.order_id = any($5::uuid[]) then now() else attempts.charged_at end

-- name: lock_orders
-- All work first, then all orders, each in the order of ids and as claims do it, so that nobody
-- waits in a circle. What is final has no work any more, and is still there to be contradicted.
with held as materialized (
    select order_id, fence, tries from payments.work where order_id = any($1::uuid[])
    order by order_id for update
)
select o.order_id, o.payment_order_id, o.event_id, o.checkout_id, o.seller_account, o.amount_minor,
    o.currency, o.psp, o.status, o.status_reason, o.attempt, o.version, o.capture_mode,
    o.captured_minor, o.fee_minor, o.psp_reference, o.reason_since, o.seen_as_of, o.seen_version,
    o.declines, o.soft_decline, o.action_url, o.expires_at, o.failure_code,
    o.route, o.created_at, o.fee_version, o.fee_volume_minor,
    w.fence, coalesce(w.tries, 0) as tries, now() as moment,
    p.version_id, p.basis_points, p.fixed_minor, p.minimum_minor, p.cap_minor,
    p.tier_from, p.tier_basis_points, p.tier_fixed_minor,
    exists (select from payments.fee_volumes g
        where g.seller_account = o.seller_account and g.currency = o.currency
            and g.month = date_trunc('month', o.created_at at time zone 'UTC')::date) as is_counted,
    case when o.route is not null then (
        select a.calls - a.answers from payments.attempts a
        where a.order_id = o.order_id and a.attempt = o.attempt) end as unanswered
from payments.payment_orders o
left join held w on w.order_id = o.order_id
left join lateral payments.fee_version_at(o.seller_account, o.currency, o.created_at) p on true
where o.order_id = any($1::uuid[])
order by o.order_id
for update of o

-- name: settle_orders
-- Also keeps which order a charge stands for.
with s as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
        $7::bigint[], $8::int[], $9::int[], $10::int[], $11::text[], $12::text[],
        $13::timestamptz[], $14::timestamptz[], $15::bigint[], $16::text[], $17::text[],
        $18::boolean[], $19::uuid[], $20::bigint[])
        as s (order_id, status, reason, failure_code, psp_reference, fee_minor, captured_minor,
        attempt, version, declines, soft_decline, action_url, expires_at, seen_as_of, seen_version,
        told_by, psp, moves_on, fee_version, fee_volume_minor)
), known as (
    insert into payments.charge_keys (psp, psp_reference, order_id, attempt)
    select told_by, psp_reference, order_id, attempt from s where psp_reference is not null
    on conflict do nothing
)
update payments.payment_orders o
set status = s.status, status_reason = s.reason, failure_code = s.failure_code,
    psp = s.psp, route = case when s.moves_on then o.route[2:] else o.route end,
    reason_since = case when o.status_reason is distinct from s.reason then $21::timestamptz
        else o.reason_since end,
    psp_reference = s.psp_reference, fee_minor = s.fee_minor, fee_version = s.fee_version,
    fee_volume_minor = s.fee_volume_minor, captured_minor = s.captured_minor,
    attempt = s.attempt, version = s.version, declines = s.declines,
    soft_decline = s.soft_decline, action_url = s.action_url, expires_at = s.expires_at,
    seen_as_of = s.seen_as_of, seen_version = s.seen_version, updated_at = now(),
    finalized_at = case when s.status in ('SUCCESS', 'FAILED')
        then coalesce(o.finalized_at, $21::timestamptz) end,
    reversed_at = case when s.reason = 'reversed' then coalesce(o.reversed_at, $21::timestamptz) end
from s where o.order_id = s.order_id

-- name: note_declines
-- Counts the declined attempts of each order's payment method in the last days, this one included.
with declined as (
    select d.order_id, d.attempt,
        sha256(convert_to(o.psp || ':' || case when o.route is null then e.payment_method else (
            select v.payment_method from payments.alternatives v
            where v.event_id = o.event_id and v.psp = o.psp) end, 'UTF8')) as method_hash
    from unnest($1::uuid[], $2::int[]) as d (order_id, attempt)
    join payments.payment_orders o on o.order_id = d.order_id
    join payments.payment_events e on e.event_id = o.event_id
), noted as (
    insert into payments.declined_methods (order_id, attempt, method_hash, declined_at)
    select order_id, attempt, method_hash, $3 from declined on conflict do nothing
)
select d.order_id, 1 + (
    select count(*) from payments.declined_methods m
    where m.method_hash = d.method_hash and m.declined_at > $3 - $4::interval
        and (m.order_id, m.attempt) <> (d.order_id, d.attempt)
)::int as declines
from declined d

-- name: forget_declines
delete from payments.declined_methods where declined_at < now() - $1::interval

-- name: settle_attempts
update payments.attempts a
set outcome = s.outcome, detail = s.detail, finished_at = s.settled_at,
    answers = a.answers + s.answers, card_tail = coalesce(s.card_tail, a.card_tail)
from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::text[])
    as s (order_id, attempt, outcome, detail, settled_at, answers, card_tail)
where a.order_id = s.order_id and a.attempt = s.attempt

-- name: finish_work
delete from payments.work where order_id = any($1::uuid[])

-- name: postpone_work
update payments.work w set next_at = now() + p.wait, tries = p.tries, psp = p.psp
from unnest($1::uuid[], $2::interval[], $3::int[], $4::text[]) as p (order_id, wait, tries, psp)
where w.order_id = p.order_id

-- name: put_back
-- What was claimed and not asked about after all: the call is not counted, the lease ends early.
with back as (
    update payments.work w
    set next_at = now() + p.wait, tries = greatest(w.tries - 1, 0)
    from unnest($1::uuid[], $2::bigint[], $3::interval[]) as p (order_id, fence, wait)
    where w.order_id = p.order_id and w.fence = p.fence
    returning w.order_id
)
update payments.attempts a set calls = greatest(a.calls - 1, 0)
from unnest($1::uuid[], $4::int[]) as p (order_id, attempt)
join back on back.order_id = p.order_id
where a.order_id = p.order_id and a.attempt = p.attempt

-- name: restart_work
-- A new attempt that was not begun by the owner of the lease: an owner there may be is fenced off.
update payments.work w set next_at = now() + p.wait, tries = 0, fence = w.fence + 1, psp = p.psp
from unnest($1::uuid[], $2::interval[], $3::text[]) as p (order_id, wait, psp)
where w.order_id = p.order_id

-- name: ask_now
update payments.work set next_at = now() where order_id = any($1::uuid[]) and next_at > now()

-- name: ask_again
update payments.work set next_at = least(next_at, now()) where order_id = $1

-- name: raise_to_person
insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)
select r.* from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::text[])
    as r (consumer, type, aggregate_id, version, payload, error)
on conflict (consumer, aggregate_id, version) do nothing

-- name: orders_of_charges
-- The orders that charges, our own ids or attempts' keys lead to. A key is looked for only where
-- it is the id itself, as first attempts' are.
select k.psp_reference as word, k.order_id, k.attempt from payments.charge_keys k
where k.psp = $1 and k.psp_reference = any($2::text[])
union
select k.payment_order_id, k.order_id, null::int from payments.order_keys k
where k.payment_order_id = any($3::text[])

-- name: mark_ledger_updated
with mine as materialized (
    select order_id from payments.payment_orders
    where order_id = any($1::uuid[]) order by order_id for update
)
update payments.payment_orders o set ledger_updated = true, updated_at = now()
from mine where o.order_id = mine.order_id and not o.ledger_updated
returning o.event_id, o.wallet_updated as complete

-- name: mark_wallet_updated
with mine as materialized (
    select order_id from payments.payment_orders
    where order_id = any($1::uuid[]) order by order_id for update
)
update payments.payment_orders o set wallet_updated = true, updated_at = now()
from mine where o.order_id = mine.order_id and not o.wallet_updated
returning o.event_id, o.ledger_updated as complete

-- name: close_orders
-- One fewer open order for each mention of an event; says which events are done by it.
with closed as (
    select event_id, count(*)::int as orders from unnest($1::uuid[]) as c (event_id) group by event_id
), mine as materialized (
    select e.event_id, closed.orders from payments.payment_events e join closed using (event_id)
    order by e.event_id for update of e
), counted as (
    update payments.payment_events e
    set open_orders = e.open_orders - mine.orders,
        done_at = case when e.open_orders = mine.orders then $2::timestamptz end,
        version = e.version + (e.open_orders = mine.orders)::int
    from mine where e.event_id = mine.event_id
    returning e.event_id, e.checkout_id, e.version, e.open_orders
)
select event_id, checkout_id, version from counted where open_orders = 0

-- name: order_by_key
select o.* from payments.order_keys k
join payments.payment_orders o on o.order_id = k.order_id
where k.payment_order_id = $1

-- name: attempts_of
select * from payments.attempts where order_id = $1 order by attempt

-- name: checkout
select e.event_id, e.checkout_id, e.psp, e.is_payment_done, e.created_at, p.token as page_token
from payments.checkout_keys k
join payments.payment_events e on e.event_id = k.event_id
left join payments.pages p on p.event_id = e.event_id
where k.checkout_id = $1

-- name: orders_of_event
select * from payments.payment_orders where event_id = $1 order by order_id

-- name: order_archived
select exists (select from payments.order_keys
    where payment_order_id = $1 and order_id < clearhouse.archive_horizon())

-- name: checkout_archived
select exists (select from payments.checkout_keys
    where checkout_id = $1 and event_id < clearhouse.archive_horizon())

-- name: list_orders
-- {conditions} is put together in store.py from fixed texts, one for each filter that is set.
select * from payments.payment_orders where {conditions} order by order_id desc limit $1

-- name: expire_idempotency_keys
with old as (
    select api_key_id, idempotency_key from payments.idempotency_keys
    where expires_at < now() limit $1 for update skip locked
)
delete from payments.idempotency_keys k using old
where k.api_key_id = old.api_key_id and k.idempotency_key = old.idempotency_key

-- name: attempts_of_keys
select a.order_id, a.idempotency_key, a.attempt
from unnest($1::uuid[], $2::text[]) as k (order_id, idempotency_key)
join payments.attempts a using (order_id, idempotency_key)
