-- Breaks as persons see them, and what they decide.

-- name: list_breaks
select * from reconciliation.breaks b
where ($1::bool is null or (b.state = 'open') = $1)
    and ($2::text is null or b.cause = $2) and ($3::text is null or b.psp = $3)
    and ($4::text is null or b.owner = $4)
order by b.at_stake_minor desc, b.break_id limit $5

-- name: one_break
select * from reconciliation.breaks where break_id = $1

-- name: lock_break
select * from reconciliation.breaks where break_id = $1 for update

-- name: history_of
select at, actor, deed, note from reconciliation.break_history where break_id = $1 order by version

-- name: near_break
-- What else is open with the same amount around the same days: often the other half of it.
select n.* from reconciliation.breaks b
join reconciliation.breaks n on n.state = 'open' and n.break_id <> b.break_id
    and n.currency = b.currency and n.at_stake_minor = b.at_stake_minor
    and n.day between b.day - 7 and b.day + 7
where b.break_id = $1
order by abs(n.day - b.day), n.break_id limit 10

-- name: asked_of
select deed, amount_minor, asked_by, reason, asked_at
from reconciliation.decisions where break_id = $1

-- name: ask
insert into reconciliation.decisions (break_id, deed, amount_minor, asked_by, reason, asked_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (break_id) do update
set deed = $2, amount_minor = $3, asked_by = $4, reason = $5, asked_at = $6

-- name: forget_asked
delete from reconciliation.decisions where break_id = $1

-- name: booked_for
select kind, bank_account, sum(amount_minor) as minor from reconciliation.bookings
where break_id = $1 group by kind, bank_account having sum(amount_minor) <> 0

-- name: set_state
with changed as (
    update reconciliation.breaks set state = $2, closed_at = $3, version = version + 1
    where break_id = $1 returning break_id, version
)
insert into reconciliation.break_history (break_id, version, at, actor, deed, note)
select break_id, version, $4, $5, $6, $7 from changed

-- name: note_on_break
with changed as (
    update reconciliation.breaks set owner = coalesce($5, owner), version = version + 1
    where break_id = $1 returning break_id, version
)
insert into reconciliation.break_history (break_id, version, at, actor, deed, note)
select break_id, version, $6, $3, $2, $4 from changed
returning version
