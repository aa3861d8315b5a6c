-- All SQL of fees, but that an order comes with its terms, which is in the statement that locks it.

-- name: start_volumes
-- Months that are counted from now on, each with what was sold in it so far.
insert into payments.fee_volumes (seller_account, currency, month, volume_minor)
select m.seller_account, m.currency, m.month, coalesce((
    select sum(o.captured_minor) from payments.payment_orders o
    where o.seller_account = m.seller_account and o.order_id >= m.first and o.order_id < m.beyond
        and o.currency = m.currency and o.status = 'SUCCESS'), 0)
from unnest($1::text[], $2::text[], $3::date[], $4::uuid[], $5::uuid[])
    as m (seller_account, currency, month, first, beyond)
order by m.seller_account collate "C", m.currency collate "C", m.month
on conflict do nothing

-- name: count_volumes
-- Adds a batch's sales to their months, and tells what each month had before.
with mine as materialized (
    select v.seller_account, v.currency, v.month, s.minor
    from unnest($1::text[], $2::text[], $3::date[], $4::bigint[])
        as s (seller_account, currency, month, minor)
    join payments.fee_volumes v on v.seller_account = s.seller_account
        and v.currency = s.currency and v.month = s.month
    order by v.seller_account, v.currency, v.month for update of v
)
update payments.fee_volumes v set volume_minor = v.volume_minor + mine.minor
from mine where v.seller_account = mine.seller_account and v.currency = mine.currency
    and v.month = mine.month
returning v.seller_account, v.currency, v.month, v.volume_minor - mine.minor as before_minor

-- name: forget_volumes
-- Months that nobody sells in any more; were somebody to, the month would be summed again.
delete from payments.fee_volumes where month < (now() - $1::interval)::date

-- name: volume_of
select volume_minor from payments.fee_volumes
where seller_account = $1 and currency = $2 and month = $3

-- name: one_at_a_time
-- Versions are numbered by whoever holds this lock, until the end of the transaction.
select pg_advisory_xact_lock(hashtextextended('payments.fee_versions', 0))

-- name: next_version
select coalesce(max(version), 0) + 1 from payments.fee_versions where plan = $1 and currency = $2

-- name: add_version
insert into payments.fee_versions (version_id, plan, currency, version, valid_from, basis_points,
    fixed_minor, minimum_minor, cap_minor, tier_from, tier_basis_points, tier_fixed_minor, set_at,
    set_by, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: add_assignment
insert into payments.fee_assignments
    (assignment_id, seller_account, plan, valid_from, set_at, set_by, reason)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: plan_exists
select exists (select from payments.fee_versions where plan = $1)

-- name: versions_of
select * from payments.fee_versions where plan = $1 order by currency, version

-- name: version
select * from payments.fee_versions where version_id = $1

-- name: version_at
select * from payments.fee_version_at($1, $2, $3)

-- name: plans_at
-- What each plan says of each currency at a moment: the newest version that has begun, else the
-- first that will.
select distinct on (plan, currency) *
from payments.fee_versions
order by plan, currency, valid_from <= $1 desc,
    case when valid_from <= $1 then valid_from end desc, case when valid_from <= $1 then version end desc,
    valid_from, version desc

-- name: sellers_at
-- How many sellers have each plan at a moment; everyone is none of them.
select a.plan, count(*)::int as sellers
from (
    select distinct on (seller_account) seller_account, plan from payments.fee_assignments
    where valid_from <= $1 and seller_account <> ''
    order by seller_account, valid_from desc, assignment_id desc
) a
where a.plan is not null
group by a.plan

-- name: assignments_of
select * from payments.fee_assignments where seller_account = $1 order by valid_from, assignment_id

-- name: order_fee
-- An order as far as its fee is concerned.
select o.payment_order_id, o.seller_account, o.amount_minor, o.captured_minor, o.currency, o.status,
    o.created_at, o.finalized_at, o.fee_minor, o.fee_version, o.fee_volume_minor
from payments.order_keys k
join payments.payment_orders o on o.order_id = k.order_id
where k.payment_order_id = $1
