-- Files, lines and what differs. A file is copied into a temporary table first, so that all that is
-- said of its lines is said of all of them at once.

-- name: make_incoming
create temporary table if not exists incoming (
    line_key text collate "C" not null,
    kind text not null,
    -- What a line is when nothing contradicts it; for large files, which are judged where they lie.
    verdict text not null,
    found_by text,
    reference text collate "C" not null,
    charge_reference text collate "C" not null,
    order_hint text collate "C" not null,
    currency text collate "C" not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    occurred_at timestamptz not null,
    occurred_on date not null,
    settlement text not null,
    card_tail text not null
) on commit delete rows

-- name: analyze_incoming
analyze incoming (reference, kind, occurred_on, line_key)

-- name: open_large
select reconciliation.open_large($1, $2)

-- name: analyze_large
select reconciliation.analyze_large($1)

-- name: sample_large
-- When the facts happened that some of the lines name: a few hundred lines, from all over the file.
select min(f.happened_at) as first, max(f.happened_at) as last
from (
    select array_agg(reconciliation.fact_kind(kind)) as kinds, array_agg(reference) as refs
    from reconciliation.{large} tablesample system (least(100, 50000.0 / greatest($2::bigint, 1)))
        repeatable (7)
) w
cross join lateral payments.facts_of($1, w.kinds, w.refs) f

-- name: judge_large
-- What differs in a large file, and which of the day's charges none of its lines names. $2 to $3 is
-- when most of its facts happened, and includes the day, which is $8; a line that finds none there
-- is looked for by its key afterwards. $4 to $7 are the fee plans by currency.
create temporary table judged on commit drop as
select l.ctid as place, v.verdict, f.order_id, f.amount_minor as expected_minor,
    case when f.reference is not null then 'reference' end as found_by, f.reference
from reconciliation.{large} l
full join (
    select f.kind, f.reference, f.order_id, f.amount_minor, f.currency, f.is_reversed, f.happened_at
    from payments.psp_facts f
    where f.psp = $1 and f.happened_at >= $2::timestamptz and f.happened_at < $3::timestamptz
) f on f.reference = l.reference and (f.kind = l.kind or f.kind || '_reversal' = l.kind)
left join unnest($4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
    as a (currency, basis_points, fixed_minor, tolerance_minor) on a.currency = l.currency
cross join lateral (select reconciliation.verdict_of(l.kind, l.currency, l.gross_minor, l.fee_minor,
    f.currency, f.amount_minor, f.is_reversed, a.basis_points, a.fixed_minor, a.tolerance_minor)
    as verdict) v
where v.verdict <> l.verdict
    or l.line_key is null and f.kind = 'charge'
        and f.happened_at >= $8::timestamptz and f.happened_at < $8::timestamptz + interval '1 day'

-- name: mark_large
update reconciliation.{large} l
set verdict = j.verdict, order_id = j.order_id, expected_minor = j.expected_minor,
    found_by = j.found_by
from judged j where l.ctid = j.place

-- name: count_unnamed
select count(*) from judged where place is null

-- name: remember_unnamed
with remembered as (
    insert into reconciliation.unnamed_charges (psp, day, reference)
    select $1, $2::date, reference from judged where place is null
    on conflict do nothing
)
insert into reconciliation.large_days (psp, day, file_id, compared_at) values ($1, $2, $3, $4)

-- name: forget_unnamed
-- A line that named a charge may name another one now, so these days are compared as a whole again.
with forgotten as (
    delete from reconciliation.large_days where psp = $1 and day between $2 and $3
)
delete from reconciliation.unnamed_charges where psp = $1 and day between $2 and $3

-- name: large_days
select count(*) from reconciliation.large_days where psp = $1 and day between $2 and $3

-- name: day_is_free
select reconciliation.day_is_free($1, $2)

-- name: attach_large
select reconciliation.attach_large($1, $2, $3)

-- name: read_large
-- As any other file, where it cannot be a partition.
insert into incoming select line_key, kind, verdict, found_by, reference, charge_reference, order_hint,
    currency, gross_minor, fee_minor, occurred_at, occurred_on, settlement, card_tail
from reconciliation.{large}

-- name: drop_large
select reconciliation.drop_large($1)

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

-- name: first_trouble
-- Why a file was rejected; nothing for one that was not.
select t.problem from reconciliation.files f
join reconciliation.troubles t on t.file_id = f.file_id and t.number = 1
where f.file_id = $1 and f.state = 'rejected'

-- name: take_lines
-- All lines that are new, each with what it is beside the fact of its own reference. Facts are
-- read for the days around the file's; older ones are looked for one by one afterwards, which is
-- what 'unmatched' stands for. $5 to $8 are the fee plans by currency, with how far off one may be.
insert into reconciliation.lines (occurred_on, psp, line_key, kind, reference, charge_reference,
    order_hint, currency, gross_minor, fee_minor, occurred_at, settlement, card_tail, file_id,
    verdict, order_id, expected_minor, found_by)
select i.occurred_on, $1, i.line_key, i.kind, i.reference, i.charge_reference, i.order_hint,
    i.currency, i.gross_minor, i.fee_minor, i.occurred_at, i.settlement, i.card_tail, $2,
    reconciliation.verdict_of(i.kind, i.currency, i.gross_minor, i.fee_minor, f.currency,
        f.amount_minor, f.is_reversed, a.basis_points, a.fixed_minor, a.tolerance_minor),
    f.order_id, f.amount_minor, case when f.reference is not null then 'reference' end
from incoming i
left join payments.psp_facts f on f.psp = $1 and f.reference = i.reference
    and (f.kind = i.kind or f.kind || '_reversal' = i.kind)
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
    join reconciliation.lines l on l.occurred_on = i.occurred_on
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
    verdict = case when reconciliation.fact_kind(c.kind) <> '' then 'unmatched'
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

-- name: references_twice
-- The same charge under two names, by hashes of the references: numbers are sorted several times
-- faster. What only shares its hash falls out again.
select hashtextextended(reference, 0) as hash from reconciliation.lines
where psp = $1 and occurred_on between $2 and $3 and kind = 'charge'
group by 1 having count(*) > 1

-- name: look_for_twice
-- All but the first are breaks.
create temporary table later on commit drop as
select occurred_on, line_key from (
    select occurred_on, line_key, row_number() over (
        partition by reference order by occurred_at, line_key) as place
    from reconciliation.lines
    where psp = $1 and occurred_on between $2 and $3 and kind = 'charge'
        and hashtextextended(reference, 0) = any($4::bigint[])
) p where place > 1

-- name: count_twice
analyze later

-- name: settled_twice
update reconciliation.lines l set verdict = 'settled_twice'
from later where l.occurred_on = later.occurred_on and l.psp = $1 and l.line_key = later.line_key
    and l.occurred_on between $2 and $3 and l.verdict <> 'settled_twice'

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

-- name: sum_up
create temporary table summed on commit drop as
select psp, occurred_on, currency, kind, settlement, count(*) as line_count,
    count(*) filter (where verdict = 'matched') as matched_count,
    coalesce(sum(abs(gross_minor)) filter (where verdict = 'matched'), 0) as matched_minor,
    sum(gross_minor) as gross_minor, sum(fee_minor) as fee_minor
from reconciliation.lines
where psp = $1 and occurred_on between $2 and $3
group by psp, occurred_on, currency, kind, settlement

-- name: make_totals
insert into reconciliation.totals (psp, day, currency, kind, settlement, line_count, matched_count,
    matched_minor, gross_minor, fee_minor)
select * from summed
