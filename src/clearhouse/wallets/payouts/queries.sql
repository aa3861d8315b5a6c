-- All SQL of payouts. Rows are locked in the order schedules, batch work, waiting, payouts, wallets,
-- and within each in the order of their keys, so that nobody waits in a circle.

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
    and ($6::text is null or (status in ('approved', 'submitted') and exists (
        select from wallets.dead_letters d where d.consumer = $6 and d.aggregate_id = payout_id)))
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

-- name: sendable
-- Payouts that wait and whose details may be used, the oldest first, of one currency: that of the
-- oldest. Whoever else is forming batches passes them over.
with first as (
    select w.currency from wallets.payouts_waiting w
    join wallets.recipients r on r.seller_account = w.seller_account and r.currency = w.currency
    where r.rail = $1 and r.usable_from <= $2 and not exists (
        select from wallets.holds h
        where h.seller_account = w.seller_account and (h.currency is null or h.currency = w.currency)
            and h.since <= $2 and h.released_at is null and (h.until is null or h.until > $2))
    order by w.payout_id limit 1
)
select w.payout_id, w.seller_account, w.currency, d.details_id, d.sealed
from wallets.payouts_waiting w
join first f on f.currency = w.currency
join wallets.recipients r on r.seller_account = w.seller_account and r.currency = w.currency
join wallets.bank_details d on d.details_id = r.details_id
where r.rail = $1 and r.usable_from <= $2 and not exists (
    select from wallets.holds h
    where h.seller_account = w.seller_account and (h.currency is null or h.currency = w.currency)
        and h.since <= $2 and h.released_at is null and (h.until is null or h.until > $2))
order by w.payout_id limit $3
for update of w skip locked

-- name: store_batch
with batch as (
    insert into wallets.payout_batches
        (batch_id, rail, currency, payouts, total_minor, statement_text, execution_date, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    returning batch_id, rail
)
insert into wallets.payout_batch_work (batch_id, rail) select batch_id, rail from batch

-- name: join_batch
with gone as (
    delete from wallets.payouts_waiting where payout_id = any($1::uuid[])
)
update wallets.payouts p
set status = 'submitted', reason = 'sending', batch_id = $3, rail = $4, details_id = m.details_id,
    version = p.version + 1, submitted_at = $5, updated_at = $5
from unnest($1::uuid[], $2::uuid[]) as m (payout_id, details_id)
where p.payout_id = m.payout_id

-- name: claim_batches
with due as materialized (
    select batch_id from wallets.payout_batch_work where rail = $1 and next_at <= now()
    order by next_at limit $2 for update skip locked
), leased as (
    update wallets.payout_batch_work w
    set fence = w.fence + 1, tries = w.tries + 1, next_at = now() + $3::interval
    from due where w.batch_id = due.batch_id
    returning w.batch_id, w.fence, w.last_call
)
select l.batch_id, l.fence, l.last_call, b.created_at, b.execution_date
from leased l join wallets.payout_batches b on b.batch_id = l.batch_id

-- name: note_calls
update wallets.payout_batch_work w set last_call = c.call
from unnest($1::uuid[], $2::text[]) as c (batch_id, call) where w.batch_id = c.batch_id

-- name: members
select p.*, d.sealed, b.statement_text
from wallets.payouts p
join wallets.payout_batches b on b.batch_id = p.batch_id
join wallets.bank_details d on d.details_id = p.details_id
where p.batch_id = any($1::uuid[])
order by p.payout_id

-- name: lock_batch_work
select batch_id, fence, tries from wallets.payout_batch_work where batch_id = $1 for update

-- name: postpone_batch
update wallets.payout_batch_work set next_at = now() + $2::interval, tries = $3 where batch_id = $1

-- name: finish_batch
delete from wallets.payout_batch_work where batch_id = $1

-- name: members_now
select * from wallets.payouts where batch_id = $1 order by payout_id for update

-- name: settle_payouts
update wallets.payouts p
set status = s.status, reason = s.reason, detail = s.detail,
    reference = coalesce(s.reference, p.reference), paid_at = coalesce(s.paid_at, p.paid_at),
    version = s.version, updated_at = $8,
    finalized_at = case when s.status = 'submitted' then null
        when s.status = p.status then p.finalized_at else $8 end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[])
    as s (payout_id, status, reason, detail, reference, paid_at, version)
where p.payout_id = s.payout_id

-- name: raise_payouts
insert into wallets.dead_letters (consumer, type, aggregate_id, version, payload, error)
select 'payouts', 'outcome', r.aggregate_id, r.version, r.payload, r.error
from unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) as r (aggregate_id, version, payload, error)
on conflict (consumer, aggregate_id, version) do nothing

-- name: store_corrections
insert into wallets.bank_corrections (payout_id, details_id, code, sealed, told_at)
select c.payout_id, c.details_id, c.code, c.sealed, $5
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as c (payout_id, details_id, code, sealed)
on conflict (payout_id) do nothing returning payout_id

-- name: correction
select c.payout_id, p.seller_account, p.currency, c.code, c.told_at, c.sealed
from wallets.bank_corrections c join wallets.payouts p on p.payout_id = c.payout_id
where c.payout_id = $1

-- name: claim_news
insert into wallets.rail_news as n (rail, next_at, fence) values ($1, now() + $2::interval, 1)
on conflict (rail) do update set next_at = excluded.next_at, fence = n.fence + 1
where n.next_at <= now()
returning cursor, fence

-- name: store_news
update wallets.rail_news set cursor = $3, next_at = now() + $4::interval
where rail = $1 and fence = $2
returning rail

-- name: ask_again
-- Has the rail asked at once about a payout that is on its way.
update wallets.payout_batch_work w set next_at = now()
from wallets.payouts p
where p.payout_id = $1 and p.status = 'submitted' and w.batch_id = p.batch_id
returning w.batch_id

-- name: told
select occurred_at, type, version from wallets.outbox where aggregate_id = $1 order by version
