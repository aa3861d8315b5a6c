-- All SQL of statements.

-- name: standing
-- A wallet after its last movement before a moment, with the number of that movement; none for a
-- wallet that had not moved yet.
select sequence, pending_after, available_after, reserved_after
from (
    (select sequence, pending_after, available_after, reserved_after
    from wallets.movements
    where wallet_id = $1 and recorded_at < $2
    order by recorded_at desc, sequence desc
    limit 1)
    union all
    (select last_sequence, pending_after, available_after, reserved_after
    from wallets.archived_movements
    where wallet_id = $1 and last_recorded_at < $2
    order by last_sequence desc
    limit 1)
) s
order by sequence desc
limit 1

-- name: wallet
select w.wallet_id,
    exists (select from wallets.archived_movements a
        where a.wallet_id = w.wallet_id and a.last_recorded_at >= $3 and a.first_recorded_at < $4)
        as is_archived
from wallets.wallets w
where w.seller_account = $1 and w.currency = $2

-- name: lines
-- The movements after one, by its time and number, up to another.
select sequence, kind, reference, event_at, recorded_at, pending_minor, available_minor,
    reserved_minor, pending_after, available_after, reserved_after
from wallets.movements
where wallet_id = $1 and recorded_at >= $2 and (recorded_at, sequence) > ($2, $3) and sequence <= $4
order by recorded_at, sequence
limit $5

-- name: latest
select sequence, kind, reference, event_at, recorded_at, pending_minor, available_minor,
    reserved_minor, pending_after, available_after, reserved_after
from wallets.movements m
where wallet_id = $1
order by recorded_at desc, sequence desc
limit $2
