-- Sellers who are due for a payout, written straight into a database, as an owner. Each statement
-- takes the beginning of the sellers' names and how many there are.

-- name: wallets
insert into wallets.wallets (seller_account, currency, available_minor)
select $1::text || n, 'EUR', 5000 from generate_series(1, $2::int) n

-- name: bank_details
insert into wallets.bank_details (details_id, seller_account, currency, kind, rail, sealed,
    last_four, created_by, created_at)
select gen_random_uuid(), $1::text || n, 'EUR', 'iban', 'sepa', 'sealed', '3000', 'bench', now()
from generate_series(1, $2::int) n

-- name: recipients
insert into wallets.recipients (seller_account, currency, details_id, rail, usable_from)
select d.seller_account, d.currency, d.details_id, d.rail, now()
from generate_series(1, $2::int) n
join wallets.bank_details d on d.seller_account = $1::text || n and d.currency = 'EUR'

-- name: schedules
insert into wallets.payout_schedules (seller_account, currency, rhythm, time_zone, threshold_minor,
    at_time, is_paused, next_due_at, updated_by, updated_at)
select $1::text || n, 'EUR', 'threshold', 'UTC', 1, '00:00', false, now(), 'bench', now()
from generate_series(1, $2::int) n

-- name: analyze
analyze wallets.wallets, wallets.recipients, wallets.payout_schedules
