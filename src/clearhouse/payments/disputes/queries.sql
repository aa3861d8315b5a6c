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
), asked as (
    -- Webhooks may be lost: the PSP is asked as well, as long as it is open.
    insert into payments.dispute_work (dispute_id, psp, next_at)
    select dispute_id, psp, now() + $23::interval from told
    where stage in ('inquiry', 'needs_response', 'under_review') order by dispute_id
    on conflict do nothing
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

-- name: look_before_answer
-- What is known already of a request; takes its key's lock for the transaction.
select r.locked, k.body_hash, k.answer, (k.expires_at < now()) as expired
from (select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 7)) as locked) r
left join payments.idempotency_keys k on k.api_key_id = $1 and k.idempotency_key = $2

-- name: standing_answer
select answer_id from payments.standing_answers where dispute_id = $1 and dispute_version = $2

-- name: store_answer
-- A key that another transaction took is a unique violation, and the whole is rolled back.
with answer as (
    insert into payments.dispute_answers (answer_id, dispute_id, dispute_version, kind, body, fields,
        status, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6::text::jsonb, 'CREATED', $7, $7)
), standing as (
    insert into payments.standing_answers (dispute_id, dispute_version, answer_id)
    values ($2, $3, $1)
), key as (
    insert into payments.idempotency_keys
        (api_key_id, idempotency_key, body_hash, answer, created_at, expires_at)
    values ($9, $10, $11, $12, now(), now() + $13::interval)
)
insert into payments.dispute_work as w (dispute_id, psp) values ($2, $8)
on conflict (dispute_id) do update set next_at = least(w.next_at, now()), tries = 0

-- name: claim
with due as materialized (
    select dispute_id from payments.dispute_work where psp = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
), leased as (
    update payments.dispute_work w
    set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
    from due where w.dispute_id = due.dispute_id
    returning w.dispute_id, w.fence
)
select d.dispute_id, d.order_id, d.psp_reference, d.version, l.fence, a.answer_id, a.dispute_version,
    a.kind, a.body, a.fields, a.status, a.reason, a.created_at, a.updated_at, a.finalized_at
from leased l
join payments.disputes d on d.dispute_id = l.dispute_id
left join lateral (
    select * from payments.dispute_answers a
    where a.dispute_id = d.dispute_id and a.status in ('CREATED', 'SUBMITTED')
    order by a.answer_id limit 1
) a on true

-- name: note_sending
update payments.dispute_answers set status = 'SUBMITTED', tries = tries + 1, updated_at = now()
where answer_id = any($1::uuid[]) and status in ('CREATED', 'SUBMITTED')

-- name: lock_work
select fence, tries from payments.dispute_work where dispute_id = $1 for update

-- name: dispute_now
select psp, stage, version, told_as_of, now() - updated_at as unchanged_for
from payments.disputes where dispute_id = $1

-- name: settle_answer
-- One that failed stands in nobody's way.
with settled as (
    update payments.dispute_answers
    set status = $2, reason = $3, detail = coalesce($4, detail), updated_at = now(),
        finalized_at = case when $2 in ('SUCCEEDED', 'FAILED') then now() end
    where answer_id = $1 and status in ('CREATED', 'SUBMITTED')
    returning answer_id, dispute_id, dispute_version, status
)
delete from payments.standing_answers s using settled
where settled.status = 'FAILED' and s.dispute_id = settled.dispute_id
    and s.dispute_version = settled.dispute_version

-- name: postpone
-- Nothing is left to be asked where there is no wait, unless it was answered in the meantime.
with ended as (
    delete from payments.dispute_work
    where dispute_id = $1 and $2::interval is null
        and not exists (select from payments.dispute_answers
            where dispute_id = $1 and status = 'CREATED')
)
update payments.dispute_work
set next_at = now() + coalesce($2::interval, interval '0'), tries = case when $3 then 0 else tries end
where dispute_id = $1 and ($2::interval is not null or exists (
    select from payments.dispute_answers where dispute_id = $1 and status = 'CREATED'))

-- name: answers_of
select * from payments.dispute_answers where dispute_id = $1 order by answer_id

-- name: claim_sweep
insert into payments.dispute_sweeps as s (psp, swept_to, next_at, fence)
values ($1, $2, $3::timestamptz + $4::interval, 1)
on conflict (psp) do update set next_at = excluded.next_at, fence = s.fence + 1
where s.next_at <= $3
returning swept_to, fence

-- name: unheard
-- Those that nobody told of; those that are in another stage by now are to be asked about.
with told as (
    select * from unnest($2::text[], $3::text[]) t (psp_reference, stage)
), moved as (
    insert into payments.dispute_work as w (dispute_id, psp)
    select d.dispute_id, d.psp from told t
    join payments.disputes d on d.psp = $1 and d.psp_reference = t.psp_reference
    where d.stage <> t.stage
    order by d.dispute_id
    on conflict (dispute_id) do update set next_at = least(w.next_at, now())
)
select distinct t.psp_reference from told t
where not exists (
    select from payments.disputes d where d.psp = $1 and d.psp_reference = t.psp_reference)

-- name: leave_sweep
update payments.dispute_sweeps set swept_to = coalesce($3, swept_to), next_at = $4
where psp = $1 and fence = $2 returning psp
