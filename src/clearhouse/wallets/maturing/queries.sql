-- All SQL of maturing.

-- name: terms_of
select terms_id, seller_account, currency, valid_from, matures, delay_seconds, reserve_basis_points,
    reserve_days, keep_minor, set_at, set_by, reason
from wallets.terms
where seller_account = any($1::text[])
order by seller_account, valid_from, terms_id

-- name: set_terms
insert into wallets.terms (terms_id, seller_account, currency, valid_from, matures, delay_seconds,
    reserve_basis_points, reserve_days, keep_minor, set_at, set_by, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: sold
-- The sales of a batch, once each. One whose settlement came first is completed, and due at once if
-- that is what it waits for.
insert into wallets.sales as s
    (sale_id, reference, seller_account, currency, amount_minor, fee_minor, share_minor, sold_at,
    matures, due_at, reserve_basis_points, reserve_days)
select distinct on (sale_id) sale_id, reference, seller_account, currency, amount_minor, fee_minor,
    amount_minor - fee_minor, sold_at, matures, due_at, reserve_basis_points, reserve_days
from unnest($1::text::uuid[], $2::text::text[], $3::text::text[], $4::text::text[],
    $5::text::bigint[], $11::text::bigint[], $6::timestamptz[], $7::text::text[], $8::timestamptz[],
    $9::text::int[], $10::text::int[])
    t (sale_id, reference, seller_account, currency, amount_minor, fee_minor, sold_at, matures, due_at,
        reserve_basis_points, reserve_days)
order by sale_id
on conflict (sale_id) do update
set amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
    share_minor = excluded.share_minor, sold_at = excluded.sold_at, matures = excluded.matures,
    reserve_basis_points = excluded.reserve_basis_points, reserve_days = excluded.reserve_days,
    due_at = case excluded.matures
        when 'when_settled' then greatest(s.settled_at, excluded.sold_at) else excluded.due_at end
where s.sold_at is null

-- name: settled
-- The settlements of a batch, in the order of their versions; each counts once, the first tells when.
insert into wallets.sales as s
    (sale_id, reference, seller_account, currency, settled_at, settled_version, psp_fee_minor)
select sale_id, min(reference), min(seller_account), min(currency), min(settled_at), max(version),
    sum(fee_minor)::bigint
from (
    select distinct t.*
    from unnest($1::text::uuid[], $2::text::int[], $3::text::text[], $4::text::text[],
        $5::text::text[], $6::text::bigint[], $7::timestamptz[])
        t (sale_id, version, reference, seller_account, currency, fee_minor, settled_at)
    left join wallets.sales known on known.sale_id = t.sale_id
    where t.version > coalesce(known.settled_version, 0)
) n
group by sale_id
order by sale_id
on conflict (sale_id) do update
set settled_at = least(s.settled_at, excluded.settled_at),
    settled_version = excluded.settled_version,
    psp_fee_minor = s.psp_fee_minor + excluded.psp_fee_minor,
    due_at = case when s.matures = 'when_settled' and s.due_at is null
        then greatest(excluded.settled_at, s.sold_at) else s.due_at end
where s.settled_version < excluded.settled_version

-- name: reversed
-- A sale that was taken back has nothing to wait for.
update wallets.sales s
set due_at = greatest(least(s.due_at, t.reversed_at), s.sold_at)
from (
    select r.* from unnest($1::uuid[], $2::timestamptz[]) r (sale_id, reversed_at)
    order by r.sale_id
) t
where s.sale_id = t.sale_id and s.matured_at is null and s.sold_at is not null

-- name: given_back
-- What went back of some sales, or came back to them after all, and which the PSP took back whole. A
-- sale whose amounts nobody knows is passed over.
update wallets.sales s
set refunded_minor = s.refunded_minor + t.refunded,
    fee_returned_minor = s.fee_returned_minor + t.fee_returned,
    reversed_at = coalesce(s.reversed_at, t.reversed_at)
from (
    select sale_id, sum(refunded)::bigint as refunded, sum(fee_returned)::bigint as fee_returned,
        min(reversed_at) as reversed_at
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        r (sale_id, refunded, fee_returned, reversed_at)
    group by sale_id order by sale_id
) t
where s.sale_id = t.sale_id and s.amount_minor is not null

-- name: claim_due
select sale_id, reference, seller_account, currency, due_at, reserve_basis_points, reserve_days
from wallets.sales
where matured_at is null and due_at <= $1
order by due_at
limit $2
for update skip locked

-- name: locked_sale
select reference, seller_account, currency, sold_at, due_at, matured_at, reserve_basis_points,
    reserve_days
from wallets.sales where sale_id = $1 and sold_at is not null for update

-- name: make_due
update wallets.sales set due_at = $2 where sale_id = $1

-- name: matured
update wallets.sales set matured_at = $2 where sale_id = any($1::uuid[])

-- name: available
select w.seller_account, w.currency, w.available_minor
from wallets.wallets w
join unnest($1::text[], $2::text[]) as t (seller, currency)
    on t.seller = w.seller_account and t.currency = w.currency

-- name: keep
insert into wallets.reserves
    (sale_id, reference, seller_account, currency, amount_minor, kept_at, release_at)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[],
    $7::timestamptz[])

-- name: claim_releasable
select sale_id, reference, seller_account, currency, amount_minor, kept_at, release_at
from wallets.reserves
where released_at is null and release_at <= $1
order by release_at
limit $2
for update skip locked

-- name: claim_for_debts
-- The reserves of sellers in debt, the oldest first, until the debt is paid; what another
-- transaction releases already is passed over. The wallets are locked by the caller.
select r.sale_id, r.reference, r.seller_account, r.currency, r.amount_minor, r.kept_at, r.release_at
from wallets.reserves r
join (
    select o.sale_id
    from (
        select r.sale_id, -w.available_minor as debt_minor,
            wallets.total(r.amount_minor) over (partition by r.seller_account, r.currency
                order by r.release_at, r.sale_id rows unbounded preceding) - r.amount_minor as before
        from wallets.reserves r
        join wallets.wallets w on w.seller_account = r.seller_account and w.currency = r.currency
        join unnest($1::text[], $2::text[]) as t (seller, currency)
            on t.seller = w.seller_account and t.currency = w.currency
        where r.released_at is null and w.available_minor < 0
    ) o
    where o.before < o.debt_minor
) o on o.sale_id = r.sale_id
where r.released_at is null
order by r.release_at, r.sale_id
for update of r skip locked

-- name: released
update wallets.reserves set released_at = $2 where sale_id = any($1::uuid[])

-- name: next_due
-- Of sales and of reserves.
select least(
    (select due_at from wallets.sales where matured_at is null and due_at is not null
        order by due_at limit 1),
    (select release_at from wallets.reserves where released_at is null
        order by release_at limit 1))
