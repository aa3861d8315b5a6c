-- All SQL of payment pages. Every statement takes a batch as arrays, or one page under its lock.

-- name: store_pages
with stored as (
    insert into payments.pages (page_id, event_id, psp, token, total_minor, currency, return_url,
        cancel_url, expires_at, created_at, updated_at)
    select p.*, p.created_at from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[],
        $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[])
        as p (page_id, event_id, psp, token, total_minor, currency, return_url, cancel_url,
        expires_at, created_at)
)
insert into payments.page_work (page_id, psp) select * from unnest($1::uuid[], $3::text[])

-- name: claim_pages
-- next_at moves to the end of the lease; a worker that dies lets it pass and another claims.
with due as materialized (
    select page_id from payments.page_work where psp = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
)
update payments.page_work w
set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
from due where w.page_id = due.page_id
returning w.page_id, w.fence, w.tries

-- name: pages
select p.*, e.checkout_id, a.attempt is not null as attempt_open, a.payment_method,
    a.idempotency_key, a.started_at, a.charged_at, now() as moment
from payments.pages p
join payments.payment_events e on e.event_id = p.event_id
left join payments.page_attempts a on a.page_id = p.page_id and a.attempt = p.attempt
    and a.finished_at is null
where p.page_id = any($1::uuid[])

-- name: items_of_pages
select p.page_id, o.order_id, o.payment_order_id, o.seller_account, o.amount_minor, o.currency
from payments.pages p join payments.payment_orders o on o.event_id = p.event_id
where p.page_id = any($1::uuid[]) order by o.order_id

-- name: start_orders
-- The orders of pages that are about to be opened: from here on they wait for their buyer.
with started as (
    update payments.payment_orders o
    set status = 'EXECUTING', status_reason = 'awaiting_buyer', reason_since = now(), attempt = 1,
        version = o.version + 1, expires_at = p.expires_at, updated_at = now()
    from payments.pages p
    where p.page_id = any($1::uuid[]) and o.event_id = p.event_id and o.status = 'NOT_STARTED'
    returning o.order_id, o.payment_order_id, o.checkout_id, o.version as started_version, o.psp,
        p.page_id
), noted as (
    insert into payments.attempts
        (order_id, attempt, psp, idempotency_key, calls, started_at, charged_at)
    select order_id, 1, psp, page_id::text, 1, now(), now() from started
)
select *, now() as claimed_at from started

-- name: note_charge
update payments.page_attempts set charged_at = now()
where (page_id, attempt) in (select * from unnest($1::uuid[], $2::int[]))

-- name: lock_page_work
select fence, tries from payments.page_work where page_id = $1 for update

-- name: lock_page
select page_id from payments.pages where page_id = $1 for update

-- name: open_page
update payments.pages set state = 'OPEN', psp_page_reference = $2, url = $3, updated_at = now(),
    expires_at = least(expires_at, coalesce($4, expires_at))
where page_id = $1

-- name: complete_page
update payments.pages set state = 'COMPLETED', charge_reference = $2, updated_at = now()
where page_id = $1

-- name: expire_page
update payments.pages set state = 'EXPIRED', updated_at = now() where page_id = $1

-- name: finish_page
delete from payments.page_work where page_id = $1

-- name: postpone_page
update payments.page_work set next_at = now() + $2::interval, tries = $3 where page_id = $1

-- name: settle_card
update payments.page_attempts set outcome = $3, detail = $4,
    finished_at = case when $5 then now() end
where page_id = $1 and attempt = $2

-- name: decline_card
update payments.pages set declined_for = $2, updated_at = now() where page_id = $1

-- name: try_card
update payments.pages set attempt = attempt + 1, declined_for = null, updated_at = now()
where page_id = $1 and state = 'OPEN' and expires_at > now() and not exists (
    select from payments.page_attempts a where a.page_id = $1 and a.finished_at is null)
returning attempt

-- name: store_card
insert into payments.page_attempts (page_id, attempt, payment_method, idempotency_key, started_at)
values ($1, $2, $3, $4, now())

-- name: ask_pages_now
-- Whoever holds the lease is not disturbed: it asks already.
update payments.page_work set next_at = now(), tries = 0
where page_id = any($1::uuid[]) and next_at > now()

-- name: pages_of_references
select page_id, state in ('COMPLETED', 'EXPIRED') as final from payments.pages
where (psp = $1 and psp_page_reference = any($2::text[])) or page_id = any($3::uuid[])

-- name: pages_of_orders
select distinct p.page_id, case when p.state = 'COMPLETED' then p.total_minor end as paid
from payments.payment_orders o join payments.pages p on p.event_id = o.event_id
where o.order_id = any($1::uuid[])
