-- All SQL of incoming webhooks. Every statement takes a batch as arrays.

-- name: store
-- Says which were new; one that a PSP repeats is known by its key.
with fresh as (
    insert into webhooks.received_keys (psp, key, received_id)
    select * from unnest($1::text[], $2::text[], $3::uuid[])
    on conflict do nothing returning received_id
), kept as (
    insert into webhooks.received (received_id, psp, key, kind, body, received_at)
    select r.received_id, r.psp, r.key, r.kind, r.body, $6
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bytea[])
        as r (psp, key, received_id, kind, body)
    join fresh on fresh.received_id = r.received_id
), work as (
    insert into webhooks.received_work (received_id, psp)
    select r.received_id, r.psp from unnest($1::text[], $3::uuid[]) as r (psp, received_id)
    join fresh on fresh.received_id = r.received_id
)
select received_id from fresh

-- name: claim
with due as materialized (
    select received_id from webhooks.received_work where psp = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
), leased as (
    update webhooks.received_work w
    set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
    from due where w.received_id = due.received_id
    returning w.received_id, w.fence, w.tries
)
select r.received_id, r.psp, r.key, r.kind, r.body, r.received_at, l.fence, l.tries,
    now() - r.received_at as age
from leased l join webhooks.received r on r.received_id = l.received_id
order by r.received_id

-- name: lock_claimed
select received_id, fence from webhooks.received_work where received_id = any($1::uuid[])
order by received_id for update

-- name: settle
update webhooks.received r
set state = s.state, detail = s.detail,
    handled_at = case when s.state in ('handled', 'given_up', 'ignored') then $4::timestamptz end
from unnest($1::uuid[], $2::text[], $3::text[]) as s (received_id, state, detail)
where r.received_id = s.received_id

-- name: finish
delete from webhooks.received_work where received_id = any($1::uuid[])

-- name: park
update webhooks.received_work w set next_at = now() + p.wait
from unnest($1::uuid[], $2::interval[]) as p (received_id, wait)
where w.received_id = p.received_id

-- name: bury
insert into webhooks.dead_letters (consumer, type, aggregate_id, version, payload, error)
select l.* from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::text[])
    as l (consumer, type, aggregate_id, version, payload, error)
on conflict (consumer, aggregate_id, version) do nothing
