-- Payouts that wait too long. What waits stands in two small tables; none of these reads more.

-- name: overdue
-- $2: since before when it may not be unknown whether it was sent; $3: nor without an answer. One
-- that a hold or new bank details keep waits for these.
select payout_id, amount_minor, currency, reason, rail, since
from (
    select p.payout_id, p.amount_minor, p.currency, p.reason, p.rail, p.submitted_at as since
    from wallets.payout_batch_work b
    join wallets.payouts p on p.batch_id = b.batch_id
    where p.status = 'submitted' and p.submitted_at
        < case when p.reason in ('under_way', 'contradiction') then $3::timestamptz else $2 end
    union all
    select p.payout_id, p.amount_minor, p.currency, null, null,
        greatest(p.created_at, p.approved_at, r.usable_from)
    from wallets.payouts_waiting w
    join wallets.payouts p on p.payout_id = w.payout_id
    left join wallets.recipients r on r.seller_account = w.seller_account and r.currency = w.currency
    where greatest(p.created_at, p.approved_at, r.usable_from) < $2::timestamptz
        and not exists (
            select from wallets.holds h
            where h.seller_account = w.seller_account
                and (h.currency is null or h.currency = w.currency)
                and h.since <= $1 and h.released_at is null and (h.until is null or h.until > $1))
) w
where not exists (
    select from wallets.dead_letters d
    where d.consumer = $4 and d.aggregate_id = w.payout_id and d.version = 1)
order by since
limit $5

-- name: raise_overdue
insert into wallets.dead_letters (consumer, type, aggregate_id, version, payload, error)
select $1, 'outcome', r.payout_id, 1, r.payload, r.error
from unnest($2::uuid[], $3::text[], $4::text[]) as r (payout_id, payload, error)
on conflict (consumer, aggregate_id, version) do nothing

-- name: stuck
select coalesce(p.rail, 'none') as rail, count(*) as payouts
from wallets.dead_letters d join wallets.payouts p on p.payout_id = d.aggregate_id
where d.consumer = $1 and p.status in ('approved', 'submitted')
group by 1
