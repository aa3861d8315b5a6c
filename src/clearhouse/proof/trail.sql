-- The trail of one payment order through the outboxes of all services.

-- name: events
select occurred_at, type, version, 'payments' as publisher
from payments.outbox where aggregate_id = any($1::uuid[])
union all
select occurred_at, type, version, 'ledger' from ledger.outbox where aggregate_id = any($2::uuid[])
union all
select occurred_at, type, version, 'wallets' from wallets.outbox where aggregate_id = any($3::uuid[])
order by occurred_at, publisher, version

-- name: letters
select consumer, type, error, created_at from payments.dead_letters where aggregate_id = any($1::uuid[])
union all
select consumer, type, error, created_at from ledger.dead_letters where aggregate_id = any($1::uuid[])
union all
select consumer, type, error, created_at from wallets.dead_letters where aggregate_id = any($1::uuid[])
order by created_at
