-- A settled day of a PSP, written straight into a database, as an owner: orders as payments has
-- them, and the report that the PSP has of it. $1 is how many orders, $2 the day. Ten in a thousand
-- differ, each in a way of its own.

-- name: partitions
select clearhouse.ensure_partitions('payments.payment_orders', $1::date - 1, $1::date + 1)

-- name: sold
create table public.sold as
select n, n % 1000 as place, $2::date + n * (interval '23 hours' / $1::int) as moment,
    (left(replace(clearhouse.uuid7_floor($2::date + n * (interval '23 hours' / $1::int))::text, '-', ''),
        16) || '8' || lpad(to_hex(n), 15, '0'))::uuid as order_id,
    'order-' || n as payment_order_id, 'pi_3' || substr(md5('pi' || n), 1, 23) as reference,
    'txn_1' || substr(md5('txn' || n), 1, 23) as line_key, 100 + (n * 7919::bigint) % 50000 as minor,
    case when n % 10 < 7 then 'USD' else 'EUR' end as currency
from generate_series(1, $1::int) n

-- name: orders
insert into payments.payment_orders (order_id, payment_order_id, event_id, checkout_id,
    seller_account, amount_minor, captured_minor, currency, psp, status, attempt, psp_reference,
    fee_minor, failure_code, version, created_at, updated_at, finalized_at)
select order_id, payment_order_id, order_id, payment_order_id, 'seller-' || n % 1000, minor,
    case when status = 'SUCCESS' then minor else 0 end, currency, 'stripe', status, 1,
    case when status = 'SUCCESS' then reference end, case when status = 'SUCCESS' then 0 end,
    case when status = 'FAILED' then 'card_declined' end, 3, moment, moment,
    case when status <> 'EXECUTING' then moment end
from (select *, case place when 3 then 'EXECUTING' when 4 then 'FAILED' else 'SUCCESS' end as status
    from public.sold) s

-- name: order_keys
insert into payments.order_keys select payment_order_id, order_id from public.sold

-- name: charge_keys
insert into payments.charge_keys (psp, psp_reference, order_id, attempt)
select 'stripe', reference, order_id, 1 from public.sold where place not in (3, 4)

-- name: report
-- The lines of the report, in the order of time: amounts in major units, as Stripe writes them.
select l.key as balance_transaction_id, to_char(l.moment, 'YYYY-MM-DD HH24:MI:SS') as created_utc,
    lower(l.currency) as currency, to_char(l.gross / 100.0, 'FM9999990.00') as gross,
    to_char(l.fee / 100.0, 'FM9999990.00') as fee,
    to_char((l.gross - l.fee) / 100.0, 'FM9999990.00') as net, l.category as reporting_category,
    l.source as source_id, l.intent as payment_intent_id,
    'po_1' || substr(md5('payout'), 1, 23) as automatic_payout_id,
    nullif(l.hint, '') as "payment_metadata[payment_order_id]", '4242' as card_last4
from (
    select n, 0 as extra, moment, line_key as key, 'charge' as category,
        'ch_3' || substr(reference, 5) as source,
        case when place = 2 then 'pi_strange' || n else reference end as intent,
        case when place = 2 then '' else payment_order_id end as hint,
        case when place = 6 then 'GBP' else currency end as currency,
        minor + case when place = 5 then 1 else 0 end as gross,
        (minor * 290 + 300000) / 10000 + case when place = 7 then 50 else 0 end as fee
    from public.sold where place <> 1
    union all
    select n, 1, moment, 'txn_' || place || '_' || n, case when place = 10 then 'refund' else 'charge' end,
        'x_' || n, case when place = 8 then 'pi_again' || n else reference end, payment_order_id,
        currency, case when place = 10 then -50 else minor end,
        case when place = 10 then 0 else (minor * 290 + 300000) / 10000 end
    from public.sold where place in (8, 9, 10)
) l order by l.n, l.extra

-- name: sweep
drop table public.sold

-- name: bare
-- The floor's own table: all that the report has, in types that can be compared.
create temporary table bare (line_key text collate "C", created_utc timestamp, currency text collate "C",
    gross numeric, fee numeric, net numeric, category text, source text, reference text collate "C",
    payout text, hint text, card_last4 text)

-- name: join
-- The floor's one classifying full join: matched, missing on either side, amount, currency, state.
select case when l.reference is null then 'missing_at_psp'
        when o.order_id is null then 'unknown_charge'
        when upper(l.currency) <> o.currency then 'currency_differs'
        when o.amount_minor <> l.gross * 100 then 'amount_differs'
        when o.status <> 'SUCCESS' then 'status_differs' else 'matched' end as verdict, count(*)
from bare l
full join (select * from payments.payment_orders where psp = 'stripe') o
    on o.psp_reference = l.reference
group by 1

-- name: drop_bare
drop table bare

-- name: lines_partitions
select inhrelid::regclass::text as name from pg_inherits
where inhparent = 'reconciliation.lines'::regclass and inhrelid::regclass::text !~ 'default$'

-- name: forget
-- As if nothing had been reconciled yet.
truncate reconciliation.files, reconciliation.breaks, reconciliation.totals, reconciliation.runs,
    reconciliation.lines, reconciliation.large_days, reconciliation.unnamed_charges cascade

-- name: found
select cause, count(*)::int as breaks from reconciliation.breaks group by cause
