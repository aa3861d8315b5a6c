-- The idempotency keys of what is asked of wallets over the API.

-- name: look_before
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
