-- What differs: found set by set in a temporary table, then held against what is known to differ.

-- name: make_found
-- What differs tonight, before it is held against what is known to differ.
create temporary table if not exists found (
    subject text collate "C" primary key,
    cause text not null,
    psp text not null,
    day date not null,
    order_id uuid,
    line_key text collate "C",
    reference text not null,
    currency text not null,
    ours_minor bigint,
    theirs_minor bigint,
    at_stake_minor bigint not null,
    detail text not null
) on commit delete rows

-- name: empty_found
truncate found

-- name: find_all
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select f.subject, f.cause, f.psp, f.day, f.order_id, null, f.reference, f.currency, f.ours_minor,
    f.theirs_minor, f.at_stake_minor, f.detail
from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::uuid[], $6::text[], $7::text[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])
    as f (subject, cause, psp, day, order_id, reference, currency, ours_minor, theirs_minor,
        at_stake_minor, detail)
on conflict (subject) do nothing

-- name: find_in_lines
-- Amounts are signed as they moved. What the PSP moved a second time, or back, has none on our side.
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select $1 || ':line:' || l.line_key, l.verdict, $1, l.occurred_on, l.order_id, l.line_key, l.reference,
    l.currency,
    case when l.verdict = 'fee_differs'
        then (l.gross_minor * a.basis_points + a.fixed_minor * 10000) / 10000
        when l.verdict in ('settled_twice', 'settlement_declined', 'status_differs') then null
        else l.expected_minor * sign(l.gross_minor)::int end,
    case when l.verdict = 'fee_differs' then l.fee_minor else l.gross_minor end,
    case l.verdict
        when 'fee_differs' then coalesce(abs(l.fee_minor
            - (l.gross_minor * a.basis_points + a.fixed_minor * 10000) / 10000), 0)
        when 'amount_differs' then abs(abs(l.gross_minor) - l.expected_minor)
        else abs(l.gross_minor) end,
    format('%s %s%s%s', replace(l.kind, '_', ' '), l.reference,
        case when l.charge_reference <> '' then ' of charge ' || l.charge_reference else '' end,
        case when l.order_hint <> '' then ' for ' || l.order_hint else '' end)
from reconciliation.lines l
left join unnest($4::text[], $5::bigint[], $6::bigint[])
    as a (currency, basis_points, fixed_minor) on a.currency = l.currency
where l.psp = $1 and l.occurred_on between $2 and $3
    and l.verdict not in ('matched', 'stands_alone')

-- name: find_without_lines
-- What we believe and no line says. Lines are looked for on the days around, since a PSP may book
-- a charge on another day than we do. $6 is the first day whose time for lines is not over. $7 are
-- the kinds to look at one by one; $8 the charges that are known to have no line, instead of all.
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select $1 || ':' || f.kind || ':' || f.reference,
    case when (f.happened_at at time zone 'UTC')::date >= $6::date then 'not_settled_yet'
        else 'missing_at_psp' end,
    $1, (f.happened_at at time zone 'UTC')::date, f.order_id, null, f.reference, f.currency,
    case f.kind when 'charge' then f.amount_minor else -f.amount_minor end, null, f.amount_minor,
    format('%s %s', f.kind, f.public_id)
from (
    select p.kind, p.reference, p.order_id, p.public_id, p.amount_minor, p.currency, p.happened_at,
        p.is_reversed
    from payments.psp_facts p
    where p.psp = $1 and p.kind = any($7::text[])
        and p.happened_at >= $2::timestamptz and p.happened_at < $3::timestamptz
    union all
    select u.kind, u.reference, u.order_id, u.public_id, u.amount_minor, u.currency, u.happened_at,
        u.is_reversed
    from payments.facts_of($1, array_fill('charge'::text, array[cardinality($8::text[])]), $8) u
) f
-- Reversed ones neither came nor went, as far as the PSP's balance knows.
where not f.is_reversed
    and not exists (
        select from reconciliation.lines l
        where l.psp = $1 and l.occurred_on between $4 and $5 and l.reference = f.reference
            and l.kind = f.kind and l.kind = any($7::text[]))
on conflict do nothing

-- name: unnamed_charges
select reference from reconciliation.unnamed_charges where psp = $1 and day between $2 and $3

-- name: named_since
-- Which of some charges a line names after all, of another day or of a later file. The references
-- are looked up in a table of hashes while all lines pass by.
select distinct reference from reconciliation.lines
where psp = $1 and occurred_on between $2 and $3 and kind = 'charge' and reference = any($4::text[])

-- name: find_in_books
-- Sales as payments has them, beside the ledger's and the wallets'. What was decided after $4 may
-- still be on its way to them.
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select 'books:order:' || s.order_id,
    case when b.order_id is null then 'order_without_ledger' else 'wallet_differs' end,
    s.psp, (s.finalized_at at time zone 'UTC')::date, s.order_id, null, s.payment_order_id, s.currency,
    case when b.order_id is null then s.amount_minor else s.amount_minor - s.fee_minor end,
    case when b.order_id is null then null else w.pending_minor end,
    case when b.order_id is null then s.amount_minor
        else abs(s.amount_minor - s.fee_minor - coalesce(w.pending_minor, 0)) end,
    case when b.order_id is null then format('sale %s is not booked', s.payment_order_id)
        else format('sale %s of %s is %s in the wallet', s.payment_order_id,
            s.amount_minor - s.fee_minor, coalesce(w.pending_minor::text, 'not')) end
from payments.sales s
left join ledger.booked_sales b on b.order_id = s.order_id
    and b.amount_minor = s.amount_minor and b.currency = s.currency
left join wallets.credited_sales w on w.order_id = s.order_id
where s.psp = $1 and s.finalized_at >= $2::timestamptz and s.finalized_at < least($3::timestamptz, $4::timestamptz)
    and (b.order_id is null or w.order_id is null
        or w.pending_minor <> s.amount_minor - s.fee_minor or w.currency <> s.currency)
on conflict (subject) do nothing

-- name: find_in_ledger
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select 'books:entry:' || b.order_id, 'ledger_without_order', b.psp,
    (b.event_at at time zone 'UTC')::date, b.order_id, null, b.reference, b.currency, b.amount_minor,
    null, b.amount_minor, format('the ledger has a sale %s', b.reference)
from ledger.booked_sales b
left join payments.sales s on s.order_id = b.order_id
where b.psp = $1 and b.event_at >= $2::timestamptz and b.event_at < $3::timestamptz
    and s.order_id is null
on conflict (subject) do nothing

-- name: find_in_attempts
insert into found (subject, cause, psp, day, order_id, line_key, reference, currency, ours_minor,
    theirs_minor, at_stake_minor, detail)
select 'books:attempts:' || a.order_id, 'attempt_differs', a.psp,
    (a.finalized_at at time zone 'UTC')::date, a.order_id, null, a.payment_order_id, a.currency,
    a.captured_minor, a.amount_minor * a.successes, a.amount_minor,
    format('order %s is %s, and %s of its attempts succeeded', a.payment_order_id, a.status, a.successes)
from payments.attempts_that_differ a
where a.psp = $1 and a.finalized_at >= $2::timestamptz and a.finalized_at < $3::timestamptz
on conflict (subject) do nothing

-- name: close_agreed
-- What differed and differs no more: its line matches now, or a line came.
with agreed as (
    update reconciliation.breaks b
    set state = 'settled', closed_at = $4, seen_at = $4, version = b.version + 1
    where ($1::text is null or b.psp = $1) and b.area = $5 and b.state = 'open'
        and b.day between $2 and $3
        and not exists (select from found f where f.subject = b.subject)
    returning b.break_id, b.version
)
insert into reconciliation.break_history (break_id, version, at, actor, deed, note)
select break_id, version, $4, 'engine', 'settled', 'Both sides agree now.' from agreed
returning 1

-- name: open_found
-- New ones, those whose cause or amounts changed, and those that had been settled. What a person
-- or the engine closed stays closed as long as it is what it was.
with stored as (
    insert into reconciliation.breaks as b (break_id, subject, cause, area, psp, day, order_id,
        line_key, reference, currency, ours_minor, theirs_minor, at_stake_minor, detail, opened_at,
        seen_at)
    select n.break_id, f.subject, f.cause, $1, f.psp, f.day, f.order_id, f.line_key, f.reference,
        f.currency, f.ours_minor, f.theirs_minor, f.at_stake_minor, f.detail, $2, $2
    from (select *, row_number() over (order by subject) as place from found) f
    join unnest($3::uuid[]) with ordinality as n (break_id, place) using (place)
    on conflict (subject) do update
    set cause = excluded.cause, order_id = excluded.order_id, ours_minor = excluded.ours_minor,
        theirs_minor = excluded.theirs_minor, at_stake_minor = excluded.at_stake_minor,
        detail = excluded.detail, state = 'open', closed_at = null, seen_at = excluded.seen_at,
        version = b.version + 1
    where b.state = 'settled'
        or (b.cause, b.ours_minor, b.theirs_minor) is distinct from
            (excluded.cause, excluded.ours_minor, excluded.theirs_minor)
    returning b.break_id, b.version, b.cause, b.detail
)
insert into reconciliation.break_history (break_id, version, at, actor, deed, note)
select break_id, version, $2, 'engine', case when version = 1 then 'opened' else 'changed' end,
    cause || ': ' || detail
from stored
returning version

-- name: count_found
select count(*) from found

-- name: figures_of_breaks
select b.cause, b.currency, count(*) as breaks, sum(b.at_stake_minor)::text as at_stake,
    min(b.day) as oldest
from reconciliation.breaks b
where ($1::text is null or b.psp = $1) and b.area = any($2) and b.state = 'open'
group by b.cause, b.currency order by b.cause, b.currency

-- name: open_to_tell
-- Breaks that payments can mend by itself once it is told what the line says.
select b.break_id, b.version, b.cause, b.psp, b.line_key, l.kind, l.reference, l.charge_reference,
    coalesce(nullif(l.order_hint, ''), s.payment_order_id, '') as order_hint, l.currency,
    l.gross_minor
from reconciliation.breaks b
join reconciliation.lines l on l.occurred_on = b.day and l.psp = b.psp and l.line_key = b.line_key
left join payments.sales s on s.order_id = b.order_id
where b.state = 'open' and b.area = 'psp' and b.told_at is null and b.cause = any($1)
    and b.psp = $2 and b.day = $3
for update of b

-- name: note_told
with told as (
    update reconciliation.breaks b set told_at = $2, version = b.version + 1
    where b.break_id = any($1)
    returning b.break_id, b.version, b.line_key
)
insert into reconciliation.break_history (break_id, version, at, actor, deed, note)
select break_id, version, $2, 'engine', 'told',
    format('Told payments what line %s says; it mends itself by that.', line_key)
from told
