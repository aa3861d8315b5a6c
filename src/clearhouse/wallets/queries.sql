-- The wallets' only SQL outside their migrations.

-- name: move
select movement, stored_id, pending_minor, available_minor
from wallets.move($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)

-- name: balances
select seller_account, currency, pending_minor, available_minor, reserved_minor
from wallets.wallets
where seller_account = $1
order by currency

-- name: totals
select currency, count(*) as wallets, sum(pending_minor)::bigint as pending_minor,
    sum(available_minor)::bigint as available_minor, sum(reserved_minor)::bigint as reserved_minor
from wallets.wallets
group by currency
order by currency

-- name: movements_of
select m.movement_id, m.kind, m.source_id, m.reference, w.seller_account, w.currency, m.event_at,
    m.pending_minor, m.available_minor, m.reserved_minor, m.sale_id,
    m.pending_after, m.available_after, m.reserved_after, m.recorded_at
from wallets.movements m
join wallets.wallets w using (wallet_id)
where m.source_id = $1
order by m.recorded_at, m.movement_id

-- name: in_transit
-- What left "available" for payouts that are not paid, back or cancelled.
select currency, sum(amount_minor)::bigint as minor
from wallets.payouts
where seller_account = $1 and status in ('created', 'approved', 'submitted')
group by currency

-- name: next_to_mature
select currency, min(due_at) as due_at
from wallets.sales
where seller_account = $1 and matured_at is null
group by currency
