-- The SQL of schedules. Rows are locked in the order that queries.sql gives: schedules come first.

-- name: claim_due
-- Those whose time has come, each for one planner: what another holds is passed over.
select seller_account, currency, rhythm, time_zone, weekday, month_day, threshold_minor, at_time,
    is_paused, last_period, next_due_at, updated_by, updated_at
from wallets.payout_schedules
where not is_paused and next_due_at <= $1
order by next_due_at
limit $2
for update skip locked

-- name: note_runs
update wallets.payout_schedules s
set last_period = coalesce(n.period, s.last_period), next_due_at = n.next_due_at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    as n (seller_account, currency, period, next_due_at)
where s.seller_account = n.seller_account and s.currency = n.currency

-- name: without_schedule
-- Sellers who said where they are paid, and have no schedule yet.
select r.seller_account, r.currency from wallets.recipients r
where not exists (
    select from wallets.payout_schedules s
    where s.seller_account = r.seller_account and s.currency = r.currency)
limit $1

-- name: adopt
insert into wallets.payout_schedules (seller_account, currency, rhythm, time_zone, weekday,
    month_day, threshold_minor, at_time, is_paused, last_period, next_due_at, updated_by,
    updated_at)
select seller, currency, $3, $4, $5, $6, $7, $8, false, period, due_at, $11, $12
from unnest($1::text[], $2::text[], $9::text[], $10::timestamptz[])
    g (seller, currency, period, due_at)
on conflict do nothing

-- name: put_schedule
insert into wallets.payout_schedules (seller_account, currency, rhythm, time_zone, weekday,
    month_day, threshold_minor, at_time, is_paused, last_period, next_due_at, updated_by,
    updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (seller_account, currency) do update
set rhythm = excluded.rhythm, time_zone = excluded.time_zone, weekday = excluded.weekday,
    month_day = excluded.month_day, threshold_minor = excluded.threshold_minor,
    at_time = excluded.at_time, is_paused = excluded.is_paused,
    last_period = excluded.last_period, next_due_at = excluded.next_due_at, updated_by = excluded.updated_by,
    updated_at = excluded.updated_at

-- name: lock_schedule
select * from wallets.payout_schedules where seller_account = $1 and currency = $2 for update

-- name: schedules_of
select * from wallets.payout_schedules where seller_account = $1 order by currency

-- name: next_due
select min(next_due_at) from wallets.payout_schedules where not is_paused

-- name: count_due
select count(*) from wallets.payout_schedules where not is_paused and next_due_at <= $1
