-- Files, lines and what differs. A file is copied into a temporary table first, so that all that is
-- said of its lines is said of all of them at once.

-- name: make_incoming
create temporary table if not exists incoming (
    line_key text collate "C" not null,
    kind text not null,
    fact_kind text not null,
    reference text collate "C" not null,
    charge_reference text collate "C" not null,
    order_hint text collate "C" not null,
    currency text collate "C" not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    occurred_at timestamptz not null,
    settlement text not null,
    card_tail text not null
) on commit delete rows

-- name: analyze_incoming
analyze incoming (reference, fact_kind, occurred_at, line_key)

-- name: lock_psp
select pg_advisory_xact_lock(hashtextextended('reconciliation ' || $1::text, 7))

-- name: ensure_days
select reconciliation.ensure_days($1::date[])

-- name: file_before
select file_id, state, line_count, first_day, last_day
from reconciliation.files where source = $1 and sha256 = $2

-- name: open_file
insert into reconciliation.files
    (file_id, source, name, sha256, size_bytes, received_at, state)
values ($1, $2, $3, $4, $5, $6, 'reading')

-- name: close_file
update reconciliation.files
set state = $2, line_count = $3, new_count = $4, changed_count = $5, trouble_count = $6,
    first_day = $7, last_day = $8
where file_id = $1

-- name: store_troubles
insert into reconciliation.troubles (file_id, number, line, kind, problem)
select $1, t.number, t.line, t.kind, t.problem
from unnest($2::int[], $3::bigint[], $4::text[], $5::text[]) as t (number, line, kind, problem)

-- name: add_troubles
-- What is said against a file that was read before, as far as it is new.
with said as (
    select t.*, row_number() over (order by t.n) + (
            select coalesce(max(number), 0) from reconciliation.troubles where file_id = $1) as number
    from unnest($2::bigint[], $3::text[], $4::text[]) with ordinality as t (line, kind, problem, n)
    where not exists (select from reconciliation.troubles k where k.file_id = $1
        and k.line = t.line and k.kind = t.kind and k.problem = t.problem)
), counted as (
    update reconciliation.files set trouble_count = trouble_count + (select count(*) from said)
    where file_id = $1 and exists (select from said)
)
insert into reconciliation.troubles (file_id, number, line, kind, problem)
select $1, number, line, kind, problem from said

-- name: days_of_incoming
select array_agg(day) as days, min(day) as first, max(day) as last
from (select distinct (occurred_at at time zone 'UTC')::date as day from incoming) d

-- name: take_lines
-- All lines that are new, each with what it is beside the fact of its own reference. Facts are
-- read for the days around the file's; older ones are looked for one by one afterwards, which is
-- what 'unmatched' stands for. $5 to $8 are the fee plans by currency, with how far off one may be.
insert into reconciliation.lines (occurred_on, psp, line_key, kind, reference, charge_reference,
    order_hint, currency, gross_minor, fee_minor, occurred_at, settlement, card_tail, file_id,
    verdict, order_id, expected_minor, found_by)
select (i.occurred_at at time zone 'UTC')::date, $1, i.line_key, i.kind, i.reference,
    i.charge_reference, i.order_hint, i.currency, i.gross_minor, i.fee_minor, i.occurred_at,
    i.settlement, i.card_tail, $2,
    case
        when i.fact_kind = '' then case i.kind when 'payout_reversal' then 'payout_returned'
            when 'other' then 'unexplained' else 'stands_alone' end
        when f.reference is null then 'unmatched'
        when f.currency <> i.currency then 'currency_differs'
        when f.amount_minor <> abs(i.gross_minor) then 'amount_differs'
        when i.kind = 'charge_reversal' and not f.is_reversed then 'settlement_declined'
        when i.kind in ('refund_reversal', 'dispute_reversal') and not f.is_reversed
            then 'status_differs'
        when i.kind = 'charge' and abs(i.fee_minor * 10000 - i.gross_minor * a.basis_points
            - a.fixed_minor * 10000) > a.tolerance_minor * 10000 then 'fee_differs'
        else 'matched'
        end,
    f.order_id, f.amount_minor, case when f.reference is not null then 'reference' end
from incoming i
left join payments.psp_facts f
    on f.psp = $1 and f.kind = i.fact_kind and f.reference = i.reference
    and f.happened_at >= $3::timestamptz and f.happened_at < $4::timestamptz
left join unnest($5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
    as a (currency, basis_points, fixed_minor, tolerance_minor) on a.currency = i.currency
on conflict (occurred_on, psp, line_key) do nothing

-- name: correct_lines
-- What the older line said is kept. A settlement that only comes to be known is no correction.
with changed as materialized (
    select distinct on (l.occurred_on, l.line_key) l.occurred_on as day, l.line_key as key, l.kind as old_kind,
        l.reference as old_reference, l.currency as old_currency, l.gross_minor as old_gross,
        l.fee_minor as old_fee, l.settlement as old_settlement, l.verdict as old_verdict, i.*
    from incoming i
    join reconciliation.lines l on l.occurred_on = (i.occurred_at at time zone 'UTC')::date
        and l.psp = $1 and l.line_key = i.line_key
    where l.file_id <> $2
        and (l.kind, l.reference, l.currency, l.gross_minor, l.fee_minor, l.settlement)
            is distinct from (i.kind, i.reference, i.currency, i.gross_minor, i.fee_minor,
                coalesce(nullif(i.settlement, ''), l.settlement))
    order by l.occurred_on, l.line_key
), kept as (
    insert into reconciliation.corrections (occurred_on, psp, line_key, corrected_at, file_id, kind,
        reference, currency, gross_minor, fee_minor, settlement, verdict)
    select day, $1, key, $3, $2, old_kind, old_reference, old_currency, old_gross, old_fee,
        old_settlement, old_verdict
    from changed
)
update reconciliation.lines l
set kind = c.kind, reference = c.reference, charge_reference = c.charge_reference,
    order_hint = c.order_hint, currency = c.currency, gross_minor = c.gross_minor,
    fee_minor = c.fee_minor, settlement = coalesce(nullif(c.settlement, ''), l.settlement),
    card_tail = c.card_tail, file_id = $2, order_id = null, expected_minor = null, found_by = null,
    verdict = case when c.fact_kind <> '' then 'unmatched'
        when c.kind = 'payout_reversal' then 'payout_returned'
        when c.kind = 'other' then 'unexplained' else 'stands_alone' end
from changed c
where l.occurred_on = c.day and l.psp = $1 and l.line_key = c.key
returning 1

-- name: unmatched_lines
-- Lines of some days that have found nothing yet, or that differ: those are looked at again.
select l.occurred_on, l.line_key, l.kind, l.reference, l.charge_reference, l.order_hint,
    l.currency, l.gross_minor, l.fee_minor
from reconciliation.lines l
where l.psp = $1 and l.occurred_on between $2 and $3
    and l.verdict not in ('matched', 'stands_alone') and (l.occurred_on, l.line_key) > ($4, $5)
order by l.occurred_on, l.line_key
limit $6

-- name: facts_of
-- By reference alone, whenever they happened; for the few that the great join left over.
select n, kind, reference, amount_minor, currency, is_reversed, order_id
from payments.facts_of($1, $2::text[], $3::text[])

-- name: orders_named
select w.n, s.order_id, s.status, s.psp, s.psp_reference
from unnest($1::text[]) with ordinality as w (payment_order_id, n)
join payments.order_states s on s.payment_order_id = w.payment_order_id

-- name: judge_lines
update reconciliation.lines l
set verdict = j.verdict, order_id = j.order_id, expected_minor = j.expected_minor,
    found_by = j.found_by
from unnest($2::date[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[])
    as j (occurred_on, line_key, verdict, order_id, expected_minor, found_by)
where l.occurred_on = j.occurred_on and l.psp = $1 and l.line_key = j.line_key
    and l.verdict <> j.verdict

-- name: settled_twice
-- The same charge under two names: all but the first are breaks.
with twice as (
    select reference from reconciliation.lines
    where psp = $1 and occurred_on between $2 and $3 and kind = 'charge'
    group by reference having count(*) > 1
), later as (
    select occurred_on, line_key from (
        select l.occurred_on, l.line_key, row_number() over (
            partition by l.reference order by l.occurred_at, l.line_key) as place
        from reconciliation.lines l join twice using (reference)
        where l.psp = $1 and l.occurred_on between $2 and $3 and l.kind = 'charge'
    ) p where place > 1
)
update reconciliation.lines l set verdict = 'settled_twice'
from later where l.occurred_on = later.occurred_on and l.psp = $1 and l.line_key = later.line_key
    and l.verdict <> 'settled_twice'

-- name: figures_of_lines
select t.currency, sum(t.matched_count)::bigint as lines, sum(t.matched_minor)::text as value,
    sum(t.fee_minor)::text as fees
from reconciliation.totals t
where t.psp = $1 and t.day between $2 and $3
group by t.currency having sum(t.matched_count) > 0 order by t.currency

-- name: store_run
insert into reconciliation.runs (run_id, psp, day, started_at, ended_at, matched_count,
    matched_minor, open_breaks, figures)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: empty_totals
delete from reconciliation.totals where psp = $1 and day between $2 and $3

-- name: make_totals
insert into reconciliation.totals (psp, day, currency, kind, settlement, line_count, matched_count,
    matched_minor, gross_minor, fee_minor)
select psp, occurred_on, currency, kind, settlement, count(*),
    count(*) filter (where verdict = 'matched'),
    coalesce(sum(abs(gross_minor)) filter (where verdict = 'matched'), 0), sum(gross_minor),
    sum(fee_minor)
from reconciliation.lines
where psp = $1 and occurred_on between $2 and $3
group by psp, occurred_on, currency, kind, settlement
