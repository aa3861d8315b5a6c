-- All SQL of write-offs; the wallet is locked first.

-- name: balance
select pending_minor + available_minor + reserved_minor as total_minor
from wallets.wallets where seller_account = $1 and currency = $2

-- name: asked
select amount_minor, reason, asked_by, asked_at
from wallets.write_offs_asked where seller_account = $1 and currency = $2

-- name: ask
insert into wallets.write_offs_asked
    (seller_account, currency, amount_minor, reason, asked_by, asked_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (seller_account, currency) do update
set amount_minor = excluded.amount_minor, reason = excluded.reason, asked_by = excluded.asked_by,
    asked_at = excluded.asked_at

-- name: write_off
with done as (
    delete from wallets.write_offs_asked where seller_account = $2 and currency = $3
)
insert into wallets.write_offs (write_off_id, seller_account, currency, amount_minor, reason,
    decided_by, decided_at, asked_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: of_seller
select write_off_id, seller_account, currency, amount_minor, reason, decided_by, decided_at, asked_by
from wallets.write_offs where seller_account = $1 order by write_off_id
