-- The bank's lines, payouts beside them, and what is told to ledger and wallets of all that.

-- name: take_bank_lines
-- Those that are new, and those that say something else than before.
with said as (
    select distinct on (account, line_key) * from unnest($2::text[], $3::text[], $4::date[],
        $5::date[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[])
        as l (account, line_key, booked_on, value_on, currency, amount_minor, reference, text,
            counterparty, returned)
    order by account, line_key
), new as (
    insert into reconciliation.bank_lines (account, line_key, booked_on, value_on, currency,
        amount_minor, reference, text, counterparty, returned, file_id)
    select account, line_key, booked_on, value_on, currency, amount_minor, reference, text,
        counterparty, returned, $1 from said
    on conflict (account, line_key) do nothing
    returning account, line_key, booked_on
)
select line_key, booked_on, true as is_new, false as differs from new
union all
select s.line_key, s.booked_on, false, true
from said s join reconciliation.bank_lines b using (account, line_key)
where (b.booked_on, b.currency, b.amount_minor) is distinct from
    (s.booked_on, s.currency, s.amount_minor)

-- name: keep_balance
insert into reconciliation.bank_balances (account, currency, day, closing_minor, file_id)
values ($1, $2, $3, $4, $5)
on conflict (account, currency, day) do update
set closing_minor = excluded.closing_minor, file_id = excluded.file_id

-- name: paid_out
-- Payouts as PSPs tell them: as lines of their own, or only with each line what it was paid out
-- with. The latter are read from the totals of the days.
select psp, kind, reference as name, charge_reference as trace, currency,
    gross_minor as moved_minor, occurred_on as day, settlement
from reconciliation.lines
where kind = 'payout' and occurred_on >= $1
union all
select t.psp, 'other', '', '', t.currency, sum(t.gross_minor - t.fee_minor), max(t.day), t.settlement
from reconciliation.totals t
where t.settlement <> '' and t.day >= $1 - 30
    and not exists (select from reconciliation.lines l
        where l.psp = t.psp and l.kind in ('payout', 'payout_reversal'))
group by t.psp, t.currency, t.settlement

-- name: booked_lines
select account, line_key, booked_on, value_on, currency, amount_minor, reference, text,
    counterparty, returned
from reconciliation.bank_lines where booked_on >= $1

-- name: current_matches
select match_id, verdict, confidence, difference_minor, payouts, accounts, line_keys
from reconciliation.bank_matches where superseded_at is null

-- name: supersede_matches
update reconciliation.bank_matches set superseded_at = $2
where match_id = any($1) and superseded_at is null

-- name: store_match
insert into reconciliation.bank_matches (match_id, psp, verdict, basis, confidence, currency,
    difference_minor, payouts, accounts, line_keys, found_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: paid_back
select distinct psp, reference from reconciliation.lines
where kind = 'payout_reversal' and occurred_on >= $1

-- name: count_matched
select count(*) from reconciliation.bank_matches
where superseded_at is null and verdict = 'matched'

-- name: due_of_day
-- What a day's fees and the payouts that it touches are now, less what was told of them before.
with payouts as (
    select distinct reference from reconciliation.lines
    where psp = $1 and occurred_on = $2 and kind in ('payout', 'payout_reversal')
), wanted as (
    select 'psp_fees' as kind, format('fees:%s:%s:%s', $1::text, $2::date, currency) as subject, currency,
        sum(fee_minor) - coalesce(sum(gross_minor) filter (where kind = 'fee'), 0) as minor,
        $2::date::text as reference, format('fees of %s', $2::date) as reason
    from reconciliation.totals where psp = $1 and day = $2 group by currency
    union all
    select 'psp_payout', format('payout:%s:%s:%s', $1::text, l.reference, l.currency), l.currency,
        -sum(l.gross_minor - l.fee_minor), l.reference, format('payout %s', l.reference)
    from reconciliation.lines l join payouts p on p.reference = l.reference
    where l.psp = $1 and l.kind in ('payout', 'payout_reversal')
    group by l.reference, l.currency
    union all
    select 'psp_payout', format('payout:%s:%s:%s', $1::text, t.settlement, t.currency), t.currency,
        sum(t.gross_minor - t.fee_minor), t.settlement, format('payout %s', t.settlement)
    from reconciliation.totals t
    where t.psp = $1 and t.settlement ~ ':[0-9]{4}-[0-9]{2}-[0-9]{2}$'
        and t.settlement in (select settlement from reconciliation.totals
            where psp = $1 and day = $2)
        and not exists (select from reconciliation.lines l
            where l.psp = $1 and l.kind in ('payout', 'payout_reversal'))
    group by t.settlement, t.currency
)
select w.kind, w.subject, $1::text as psp, '' as bank_account, w.currency,
    w.minor - coalesce(b.minor, 0) as due_minor, w.reference, w.reason
from wanted w
left join (select subject, sum(amount_minor) as minor from reconciliation.bookings
    where subject in (select subject from wanted) group by subject) b on b.subject = w.subject
where w.minor <> coalesce(b.minor, 0)

-- name: due_of_bank
-- The same for bank lines that belong to payouts for sure; what does so no more is taken back.
with matched as (
    select m.psp, l.account, l.line_key from reconciliation.bank_matches m
    cross join lateral unnest(m.accounts, m.line_keys) as l (account, line_key)
    where m.superseded_at is null and m.psp <> '' and m.confidence >= $2
), wanted as (
    select format('bank:%s:%s', b.account, b.line_key) as subject, m.psp, b.account, b.currency,
        b.amount_minor as minor, b.line_key as reference
    from matched m join reconciliation.bank_lines b using (account, line_key)
    where b.booked_on >= $1
), booked as (
    select k.subject, k.psp, k.bank_account, k.currency, k.reference, sum(k.amount_minor) as minor
    from reconciliation.bookings k
    where k.kind = 'bank_receipt' and k.booked_at >= $1::date - 30
    group by k.subject, k.psp, k.bank_account, k.currency, k.reference
)
select 'bank_receipt' as kind, coalesce(w.subject, b.subject) as subject,
    coalesce(w.psp, b.psp) as psp, coalesce(w.account, b.bank_account) as bank_account,
    coalesce(w.currency, b.currency) as currency,
    coalesce(w.minor, 0) - coalesce(b.minor, 0) as due_minor,
    coalesce(w.reference, b.reference) as reference,
    case when w.subject is null then 'this bank line is not matched any more'
        else 'bank line of a payout' end as reason
from wanted w
full join booked b on b.subject = w.subject and b.psp = w.psp
left join reconciliation.bank_lines l on l.account = b.bank_account and l.line_key = b.reference
where coalesce(w.minor, 0) <> coalesce(b.minor, 0)
    and (w.subject is not null or l.booked_on >= $1)

-- name: store_bookings
insert into reconciliation.bookings (booking_id, kind, subject, psp, bank_account, currency,
    amount_minor, reference, reason, break_id, booked_at)
select b.*, $10::uuid, $11 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::bigint[], $8::text[], $9::text[]) as b

-- name: settled_lines
-- Charges that agree with ours; a fee that differs is no reason to keep a seller waiting.
-- What they paid is looked up by their reference, by which they were matched.
with settled as materialized (
    select line_key, reference, currency, fee_minor, occurred_at
    from reconciliation.lines
    where psp = $1 and occurred_on = $2 and kind = 'charge'
        and verdict in ('matched', 'fee_differs') and line_key > $3
    order by line_key limit $4
), numbered as (
    select *, row_number() over (order by line_key) as n from settled
), facts as (
    select f.n, f.order_id from (select array_agg(reference order by n) as refs,
            array_agg('charge'::text) as kinds from numbered) w
    cross join lateral payments.facts_of($1, w.kinds, w.refs) f
)
select l.line_key, $1::text as psp, f.order_id, l.currency, l.fee_minor, l.occurred_at
from numbered l left join facts f on f.n = l.n
order by l.line_key

-- name: untold_orders
-- The orders of some charges, each handed out once for ever.
with orders as (
    select distinct on (o.order_id) o.* from payments.orders_of_charges o
    where o.charge_order_id = any($1)
    order by o.order_id, o.charge_order_id
), new as (
    insert into reconciliation.settled_orders (order_id, told_at)
    select order_id, $2 from orders
    on conflict (order_id) do nothing
    returning order_id
)
select o.* from orders o join new using (order_id) order by o.order_id
