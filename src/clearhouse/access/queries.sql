-- API keys: made, revoked, listed, and found by the digest of a presented token.

-- name: add_key
insert into access.api_keys (key_id, digest, name, hint, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: revoke_key
-- The first revocation's time stays, however often it is repeated.
update access.api_keys set revoked_at = coalesce(revoked_at, $2) where key_id = $1
returning key_id, digest, name, hint, scopes, created_at, expires_at, revoked_at

-- name: list_keys
select key_id, digest, name, hint, scopes, created_at, expires_at, revoked_at
from access.api_keys
order by key_id

-- name: find_key
select key_id, digest, name, hint, scopes, created_at, expires_at, revoked_at
from access.api_keys
where digest = $1

-- name: note_deed
insert into access.audit_log (entry_id, occurred_at, actor, action, target, reason)
values ($1, $2, $3, $4, $5, $6)

-- name: deeds_on
select entry_id, occurred_at, actor, action, target, reason from access.audit_log
where target = $1 order by entry_id
