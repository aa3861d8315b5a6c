-- All SQL of payouts. Rows are locked in the order schedules, batch work, waiting, payouts, wallets,
-- and within each in the order of their keys, so that nobody waits in a circle.

-- name: look_before_payout
-- What is known already of a request; takes its key's lock for the transaction.
select r.locked, k.body_hash, k.answer, (k.expires_at < now()) as expired
from (select pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 11)) as locked) r
left join wallets.idempotency_keys k on k.api_key_id = $1 and k.idempotency_key = $2

-- name: forget_key
delete from wallets.idempotency_keys where api_key_id = $1 and idempotency_key = $2

-- name: store_answer
insert into wallets.idempotency_keys
    (api_key_id, idempotency_key, body_hash, answer, created_at, expires_at)
values ($1, $2, $3, $4, now(), now() + $5::interval)

-- name: expire_keys
with gone as (
    select ctid from wallets.idempotency_keys where expires_at < now() limit $1
)
delete from wallets.idempotency_keys k using gone where k.ctid = gone.ctid

-- name: lock_available
select seller_account, currency, available_minor from wallets.lock_available($1, $2)

-- name: recipients
-- Where these sellers are paid, with whether it may be used by then.
select r.seller_account, r.currency, r.rail, r.usable_from, r.usable_from <= $3 as is_usable
from unnest($1::text[], $2::text[]) g (seller, currency)
join wallets.recipients r on r.seller_account = g.seller and r.currency = g.currency

-- name: store_payouts
with new as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::boolean[],
        $7::text[], $8::text[])
        as n (payout_id, seller_account, currency, amount_minor, status, needs_approval, period, note)
), waiting as (
    insert into wallets.payouts_waiting (payout_id, seller_account, currency)
    select payout_id, seller_account, currency from new where status = 'approved'
)
insert into wallets.payouts (payout_id, seller_account, currency, amount_minor, status,
    needs_approval, period, note, created_by, version, created_at, updated_at)
select payout_id, seller_account, currency, amount_minor, status, needs_approval, period, note,
    $9, 1, $10, $10
from new

-- name: lock_payouts
select * from wallets.payouts where payout_id = any($1::uuid[]) order by payout_id for update

-- name: approve
with approved as (
    update wallets.payouts p set status = 'approved', approved_by = $2, approved_at = $3,
        version = $4, updated_at = $3
    where p.payout_id = $1
    returning payout_id, seller_account, currency
)
insert into wallets.payouts_waiting (payout_id, seller_account, currency) select * from approved

-- name: cancel
with gone as (
    delete from wallets.payouts_waiting where payout_id = any($1::uuid[])
)
update wallets.payouts p
set status = 'cancelled', detail = c.detail, version = p.version + 1, updated_at = $3,
    finalized_at = $3
from unnest($1::uuid[], $2::text[]) as c (payout_id, detail)
where p.payout_id = c.payout_id

-- name: payout
select * from wallets.payouts where payout_id = $1

-- name: payouts
select * from wallets.payouts
where ($1::text is null or seller_account = $1) and ($2::text is null or status = $2)
    and ($3::text is null or currency = $3) and ($4::uuid is null or payout_id < $4)
order by payout_id desc limit $5

-- name: lock_recipient
-- One change at a time, the first one too, which has no row to lock.
select pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 13))

-- name: recipient
select d.*, r.usable_from,
    (select c.code from wallets.bank_corrections c where c.details_id = d.details_id
        order by c.told_at desc limit 1) as correction
from wallets.recipients r join wallets.bank_details d on d.details_id = r.details_id
where r.seller_account = $1 and r.currency = $2

-- name: recipients_of
select d.*, r.usable_from,
    (select c.code from wallets.bank_corrections c where c.details_id = d.details_id
        order by c.told_at desc limit 1) as correction
from wallets.recipients r join wallets.bank_details d on d.details_id = r.details_id
where r.seller_account = $1
order by r.currency

-- name: store_details
with details as (
    insert into wallets.bank_details (details_id, seller_account, currency, kind, rail, sealed,
        last_four, created_by, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    returning details_id, seller_account, currency, rail
)
insert into wallets.recipients (seller_account, currency, details_id, rail, usable_from)
select seller_account, currency, details_id, rail, $10 from details
on conflict (seller_account, currency) do update
set details_id = excluded.details_id, rail = excluded.rail, usable_from = excluded.usable_from
