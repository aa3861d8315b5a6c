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

-- name: standing
-- A seller's wallets with what is on its way by payouts, whether payouts are held at $2, and when the
-- next sale matures: at a time, or with its settlement where no time is known.
select w.seller_account, w.currency, w.pending_minor, w.available_minor, w.reserved_minor,
    coalesce((
        select sum(p.amount_minor) from wallets.payouts p
        where p.seller_account = w.seller_account and p.currency = w.currency
            and p.status in ('created', 'approved', 'submitted')
    ), 0)::bigint as in_transit_minor,
    exists (
        select from wallets.holds h
        where h.seller_account = w.seller_account and coalesce(h.currency, w.currency) = w.currency
            and h.released_at is null and h.since <= $2 and (h.until is null or h.until > $2)
    ) as is_held,
    coalesce(n.waiting, 0) > 0 as is_waiting, n.due_at
from wallets.wallets w
left join (
    select s.currency, count(*) as waiting, min(s.due_at) as due_at from wallets.sales s
    where s.seller_account = $1 and s.matured_at is null
    group by s.currency
) n on n.currency = w.currency
where w.seller_account = $1
order by w.currency
