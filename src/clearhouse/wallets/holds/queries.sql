-- All SQL of holds. A hold stops payouts at a moment $m if
-- released_at is null and since <= $m and (until is null or until > $m).

-- name: place
-- A subject that is held already keeps the hold it has.
insert into wallets.holds (hold_id, seller_account, currency, kind, subject, reason, placed_by, since,
    until)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::timestamptz[], $9::timestamptz[])
on conflict (kind, subject) where released_at is null and subject <> '' do nothing
returning hold_id

-- name: release
update wallets.holds
set released_at = greatest($2, since), released_by = $3, release_reason = $4
where hold_id = $1 and released_at is null
returning *

-- name: release_subjects
update wallets.holds h
set released_at = greatest(t.released_at, h.since), released_by = t.released_by,
    release_reason = t.reason
from unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[])
    t (subject, released_at, released_by, reason)
where h.kind = $1 and h.subject = t.subject and h.released_at is null

-- name: hold
select * from wallets.holds where hold_id = $1

-- name: holds_of
-- The newest first; those that are over too if $2 is null, else those that stop payouts at $2.
select * from wallets.holds
where seller_account = $1
    and ($2::timestamptz is null
        or (released_at is null and since <= $2 and (until is null or until > $2)))
    and ($3::uuid is null or hold_id < $3)
order by hold_id desc
limit $4

-- name: stopping
select * from wallets.holds
where seller_account = any($1::text[]) and released_at is null and since <= $2
    and (until is null or until > $2)
order by seller_account, hold_id
