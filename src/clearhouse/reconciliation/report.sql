-- What finance asks of some days, read from sums.

-- name: report_figures
with told as (
    select psp, currency, sum(line_count)::bigint as lines, sum(matched_count)::bigint as matched,
        sum(matched_minor) as matched_minor,
        coalesce(sum(gross_minor) filter (where kind in ('charge', 'charge_reversal')), 0) as charged,
        coalesce(sum(gross_minor) filter (where kind in ('refund', 'refund_reversal')), 0) as refunded,
        coalesce(sum(gross_minor) filter (where kind in ('dispute', 'dispute_reversal')), 0)
            as disputed,
        sum(fee_minor) - coalesce(sum(gross_minor) filter (where kind = 'fee'), 0) as fees,
        coalesce(-sum(gross_minor) filter (where kind in ('payout', 'payout_reversal')), 0) as paid_out
    from reconciliation.totals where day between $1 and $2
    group by psp, currency
), unmatched as (
    select psp, currency, sum(at_stake_minor) as minor
    from reconciliation.breaks
    where state = 'open' and day between $1 and $2 and cause <> 'not_settled_yet' and area <> 'books'
    group by psp, currency
)
select coalesce(t.psp, u.psp) as psp, coalesce(t.currency, u.currency) as currency,
    coalesce(t.lines, 0) as lines, coalesce(t.matched, 0) as matched,
    coalesce(t.matched_minor, 0) as matched_minor, coalesce(t.charged, 0) as charged,
    coalesce(t.refunded, 0) as refunded, coalesce(t.disputed, 0) as disputed,
    coalesce(t.fees, 0) as fees, coalesce(t.paid_out, 0) as paid_out,
    coalesce(u.minor, 0) as unmatched
from told t full join unmatched u on u.psp = t.psp and u.currency = t.currency
order by 1, 2

-- name: report_breaks
select psp, cause, currency, count(*) as breaks, sum(at_stake_minor) as at_stake, min(day) as oldest
from reconciliation.breaks
where state = 'open' and day <= $1
group by psp, cause, currency order by sum(at_stake_minor) desc, psp, cause, currency

-- name: report_cash
-- Our clearing accounts beside what the PSPs' lines add up to, and the statements' last balances.
select c.family, c.owner, c.currency, c.balance_minor as ours,
    case c.family
        when 'psp_receivable' then (select sum(t.gross_minor - t.fee_minor)
            from reconciliation.totals t where t.psp = c.owner and t.currency = c.currency)
        when 'bank' then (select b.closing_minor from reconciliation.bank_balances b
            where replace(b.account, ':', '-') = c.owner and b.currency = c.currency
            order by b.day desc limit 1)
        end as theirs
from ledger.clearing_balances c
where c.family <> 'psp_fee_expense'
order by c.family desc, c.owner, c.currency

-- name: report_history
with told as (
    select day, sum(line_count)::bigint as lines, sum(matched_count)::bigint as matched
    from reconciliation.totals where day between $1 and $2 group by day
), broken as (
    select day, count(*) as breaks from reconciliation.breaks
    where state = 'open' and day between $1 and $2 and cause <> 'not_settled_yet' group by day
)
select coalesce(t.day, b.day) as day, coalesce(t.lines, 0) as lines,
    coalesce(t.matched, 0) as matched, coalesce(b.breaks, 0) as breaks
from told t full join broken b on b.day = t.day order by 1

-- name: keep_alerts
insert into reconciliation.alerts (day, kind, psp, cause, currency, alert_id, told_at)
select a.*, $7 from unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[]) as a
on conflict do nothing
returning alert_id
