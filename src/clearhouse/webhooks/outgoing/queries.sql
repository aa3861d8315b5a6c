-- All SQL of outgoing webhooks. What handles messages takes a batch as arrays.

-- name: anybody_listens
select exists (select from webhooks.endpoints where state = 'enabled')

-- name: lay_out
-- A delivery for each message and each endpoint that wants it; those there already stay.
with message as (
    select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
        as m (aggregate_id, version, type, object_id, seller_account, payload)
), laid as (
    insert into webhooks.deliveries (aggregate_id, version, endpoint_id, type, object_id, payload,
        created_at, updated_at)
    select m.aggregate_id, m.version, e.endpoint_id, m.type, m.object_id, m.payload, $7, $7
    from message m
    join webhooks.endpoints e on e.state = 'enabled'
        and (e.seller_account is null or e.seller_account = m.seller_account)
        and (e.filters = '{}' or m.type = any(e.filters)
            or split_part(m.type, '.', 1) || '.*' = any(e.filters))
    on conflict do nothing
    returning aggregate_id, version, endpoint_id
)
insert into webhooks.dispatches (aggregate_id, version, endpoint_id) select * from laid

-- name: lay_out_for
-- A message about one endpoint, for itself.
with laid as (
    insert into webhooks.deliveries (aggregate_id, version, endpoint_id, type, object_id, payload,
        created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $7)
    returning aggregate_id, version, endpoint_id
)
insert into webhooks.dispatches (aggregate_id, version, endpoint_id) select * from laid

-- name: count_notice
update webhooks.endpoints set notices = notices + 1
where endpoint_id = any($1::uuid[]) returning *

-- name: claim
-- Of one object and endpoint only the oldest message is sent: the next waits for it. Each endpoint
-- has so many places, fewer while it fails, and is served as often as the others, so that one with
-- a long queue or no answer holds nobody up. The endpoints with work are found by skipping from one
-- to the next in the index, so that those without cost nothing.
with recursive waiting as (
    (select endpoint_id from webhooks.dispatches order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id from webhooks.dispatches d where d.endpoint_id > w.endpoint_id
        order by d.endpoint_id limit 1)
    from waiting w where w.endpoint_id is not null
), open as (
    select e.endpoint_id, greatest(0, least($1::int,
        case when e.failing_since is null then $3::int else $4::int end - coalesce(b.calls, 0))) as places
    from waiting w
    join webhooks.endpoints e on e.endpoint_id = w.endpoint_id and e.state = 'enabled'
    left join unnest($5::uuid[], $6::int[]) as b (endpoint_id, calls)
        on b.endpoint_id = e.endpoint_id
), found as (
    select d.* from open o cross join lateral (
        select d.endpoint_id, d.aggregate_id, d.version, d.next_at from webhooks.dispatches d
        where d.endpoint_id = o.endpoint_id and d.next_at <= now() and not exists (
            select from webhooks.dispatches earlier
            where earlier.endpoint_id = d.endpoint_id and earlier.aggregate_id = d.aggregate_id
                and earlier.version < d.version)
        order by d.next_at limit o.places for update skip locked
    ) d
), due as (
    select *, row_number() over (partition by endpoint_id order by next_at) as turn from found
    order by turn, next_at limit $1
), leased as (
    update webhooks.dispatches d
    set fence = d.fence + 1, tries = d.tries + 1, next_at = now() + $2::interval
    from due where d.endpoint_id = due.endpoint_id and d.aggregate_id = due.aggregate_id
        and d.version = due.version
    returning d.*
)
select l.aggregate_id, l.version, l.endpoint_id, l.fence, l.tries, e.url, m.payload,
    array(select s.sealed from webhooks.secrets s where s.endpoint_id = l.endpoint_id
        and (s.expires_at is null or s.expires_at > now()) order by s.secret_id desc) as sealed,
    array(select s.secret_id from webhooks.secrets s where s.endpoint_id = l.endpoint_id
        and (s.expires_at is null or s.expires_at > now()) order by s.secret_id desc) as secret_ids
from leased l
join webhooks.endpoints e on e.endpoint_id = l.endpoint_id
join webhooks.deliveries m on m.aggregate_id = l.aggregate_id and m.version = l.version
    and m.endpoint_id = l.endpoint_id

-- name: lock_sent
select d.aggregate_id, d.version, d.endpoint_id, d.fence, d.tries
from webhooks.dispatches d
join unnest($1::uuid[], $2::int[], $3::uuid[]) as s (aggregate_id, version, endpoint_id)
    using (aggregate_id, version, endpoint_id)
order by d.endpoint_id, d.aggregate_id, d.version
for update of d

-- name: lock_endpoints
select endpoint_id, failing_since from webhooks.endpoints
where endpoint_id = any($1::uuid[]) and state = 'enabled' order by endpoint_id for update

-- name: store_sent
with sent as (
    select * from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[], $6::text[],
        $7::timestamptz[], $8::int[]) as s (aggregate_id, version, endpoint_id, state, status,
        error, tried_at, milliseconds)
), logged as (
    insert into webhooks.delivery_tries (aggregate_id, version, endpoint_id, try, tried_at, status,
        error, milliseconds)
    select aggregate_id, version, endpoint_id, coalesce((select max(t.try) from
        webhooks.delivery_tries t where t.aggregate_id = sent.aggregate_id
        and t.version = sent.version and t.endpoint_id = sent.endpoint_id), 0) + 1,
        tried_at, status, error, milliseconds from sent
)
update webhooks.deliveries d
set state = s.state, tries = d.tries + 1, last_status = s.status, last_error = nullif(s.error, ''),
    updated_at = s.tried_at
from sent s
where d.aggregate_id = s.aggregate_id and d.version = s.version and d.endpoint_id = s.endpoint_id

-- name: finish
delete from webhooks.dispatches d
using unnest($1::uuid[], $2::int[], $3::uuid[]) as s (aggregate_id, version, endpoint_id)
where d.aggregate_id = s.aggregate_id and d.version = s.version and d.endpoint_id = s.endpoint_id

-- name: postpone
update webhooks.dispatches d set next_at = now() + s.wait
from unnest($1::uuid[], $2::int[], $3::uuid[], $4::interval[])
    as s (aggregate_id, version, endpoint_id, wait)
where d.aggregate_id = s.aggregate_id and d.version = s.version and d.endpoint_id = s.endpoint_id

-- name: note_endpoints
update webhooks.endpoints e
set failing_since = n.failing_since, state = n.state, disabled_reason = n.reason, updated_at = $5
from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[])
    as n (endpoint_id, failing_since, state, reason)
where e.endpoint_id = n.endpoint_id

-- name: drop_dispatches
-- Of an endpoint that was switched off: what waits is failed, to be sent again by a person.
with dropped as (
    delete from webhooks.dispatches where endpoint_id = any($1::uuid[])
    returning aggregate_id, version, endpoint_id
)
update webhooks.deliveries d set state = 'failed', last_error = 'the endpoint is switched off',
    updated_at = $2
from dropped w
where d.aggregate_id = w.aggregate_id and d.version = w.version and d.endpoint_id = w.endpoint_id

-- name: drop_stranded
-- What was laid out for an endpoint at the very moment at which it was switched off.
with dropped as (
    delete from webhooks.dispatches d using webhooks.endpoints e
    where e.state = 'disabled' and d.endpoint_id = e.endpoint_id
    returning d.aggregate_id, d.version, d.endpoint_id
)
update webhooks.deliveries d set state = 'failed', last_error = 'the endpoint is switched off',
    updated_at = $1
from dropped w
where d.aggregate_id = w.aggregate_id and d.version = w.version and d.endpoint_id = w.endpoint_id

-- name: add_endpoint
insert into webhooks.endpoints (endpoint_id, url, description, filters, seller_account,
    created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing returning *

-- name: change_endpoint
update webhooks.endpoints
set url = coalesce($2, url), description = coalesce($3, description),
    filters = coalesce($4::text[], filters), updated_at = $5
where endpoint_id = $1 and deleted_at is null returning *

-- name: switch_endpoint
update webhooks.endpoints
set state = $2, disabled_reason = $3, failing_since = null, updated_at = $4
where endpoint_id = $1 and deleted_at is null returning *

-- name: delete_endpoint
update webhooks.endpoints
set deleted_at = $2, state = 'disabled', disabled_reason = 'deleted', updated_at = $2
where endpoint_id = $1 and deleted_at is null returning *

-- name: delete_secrets
delete from webhooks.secrets where endpoint_id = $1

-- name: add_secret
insert into webhooks.secrets (secret_id, endpoint_id, sealed, created_at) values ($1, $2, $3, $4)

-- name: expire_secrets
-- Only the newest of the old ones signs on; those before it are forgotten.
with old as (
    select secret_id, row_number() over (order by created_at desc) as age
    from webhooks.secrets where endpoint_id = $1 and secret_id <> $2
), forgotten as (
    delete from webhooks.secrets s using old where s.secret_id = old.secret_id and old.age > 1
)
update webhooks.secrets s set expires_at = least(coalesce(s.expires_at, $3), $3)
from old where s.secret_id = old.secret_id and old.age = 1

-- name: endpoint
select * from webhooks.endpoints where endpoint_id = $1 and deleted_at is null

-- name: endpoints
select * from webhooks.endpoints
where deleted_at is null and ($1::text is null or seller_account = $1)
    and ($2::uuid is null or endpoint_id < $2)
order by endpoint_id desc limit $3

-- name: deliveries
select d.*, w.next_at from webhooks.deliveries d
left join webhooks.dispatches w using (aggregate_id, version, endpoint_id)
where d.endpoint_id = $1 and ($2::text is null or d.state = $2)
    and ($3::uuid is null or (d.created_at, d.aggregate_id, d.version) < (
        select b.created_at, b.aggregate_id, b.version from webhooks.deliveries b
        where b.aggregate_id = $3 and b.version = $4 and b.endpoint_id = $1))
order by d.created_at desc, d.aggregate_id desc, d.version desc limit $5

-- name: delivery
select d.*, w.next_at from webhooks.deliveries d
left join webhooks.dispatches w using (aggregate_id, version, endpoint_id)
where d.aggregate_id = $1 and d.version = $2 and d.endpoint_id = $3

-- name: tries
select * from webhooks.delivery_tries
where aggregate_id = $1 and version = $2 and endpoint_id = $3 order by try

-- name: resend
with again as (
    update webhooks.deliveries set state = 'waiting', updated_at = $4
    where aggregate_id = $1 and version = $2 and endpoint_id = $3
    returning aggregate_id, version, endpoint_id
)
insert into webhooks.dispatches (aggregate_id, version, endpoint_id) select * from again
on conflict (endpoint_id, aggregate_id, version) do update set next_at = now(), tries = 0

-- name: resend_since
-- The oldest first; those sent again in this run are newer than its beginning, $5.
with again as (
    update webhooks.deliveries d set state = 'waiting', updated_at = $5
    from (
        select aggregate_id, version, endpoint_id from webhooks.deliveries
        where endpoint_id = $1 and created_at >= $2 and created_at < $3
            and state = any($4::text[]) and updated_at < $5
        order by created_at, aggregate_id, version limit $6
    ) old
    where d.aggregate_id = old.aggregate_id and d.version = old.version
        and d.endpoint_id = old.endpoint_id
    returning d.aggregate_id, d.version, d.endpoint_id
)
insert into webhooks.dispatches (aggregate_id, version, endpoint_id) select * from again
on conflict (endpoint_id, aggregate_id, version) do update set next_at = now(), tries = 0

-- name: forget
-- The log of what is final and old; the tries go with their deliveries.
with old as (
    select d.aggregate_id, d.version, d.endpoint_id
    from webhooks.endpoints e cross join lateral (
        select * from webhooks.deliveries d
        where d.endpoint_id = e.endpoint_id and d.created_at < $1
        order by d.created_at, d.aggregate_id, d.version limit $2
    ) d
    where d.state <> 'waiting'
), tries as (
    delete from webhooks.delivery_tries t using old
    where t.aggregate_id = old.aggregate_id and t.version = old.version
        and t.endpoint_id = old.endpoint_id
)
delete from webhooks.deliveries d using old
where d.aggregate_id = old.aggregate_id and d.version = old.version
    and d.endpoint_id = old.endpoint_id

-- name: backlog
select count(*) as waiting, coalesce(extract(epoch from now() - min(m.created_at)), 0)::float
    as oldest
from webhooks.dispatches d
join webhooks.deliveries m on m.aggregate_id = d.aggregate_id and m.version = d.version
    and m.endpoint_id = d.endpoint_id
