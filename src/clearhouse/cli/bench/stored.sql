-- Fills a database with orders that were paid in the past, as an owner: the load that the
-- figures "with millions of orders stored" are measured on. Each statement takes the numbers
-- of the first and last payment of a chunk, and how many payments there are in all.

-- name: partitions
select sum(clearhouse.ensure_partitions(p.partrelid::regclass, current_date - 61, current_date + 14))
from pg_partitioned_table p
join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
where p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'uuid'::regtype

-- name: chunk
create temporary table chunk as
select n, moment,
    (head || '8' || lpad(to_hex(n * 4), 15, '0'))::uuid as event_id,
    (head || '8' || lpad(to_hex(n * 4 + 1), 15, '0'))::uuid as first_id,
    (head || '8' || lpad(to_hex(n * 4 + 2), 15, '0'))::uuid as second_id
from (
    select n, moment,
        left(replace(clearhouse.uuid7_floor(moment)::text, '-', ''), 16) as head
    from (
        select n, now() - interval '60 days' + n * (interval '59 days' / $3::float8) as moment
        from generate_series($1::bigint, $2::bigint) n
    ) m
) h

-- name: orders
create temporary table chunk_order as
select first_id as order_id, event_id, n, 'a' as part, moment, n % 1000 as seller from chunk
union all
select second_id, event_id, n, 'b', moment, (n * 7) % 1000 from chunk

-- name: payment_events
insert into payments.payment_events (event_id, checkout_id, api_key_id, psp, payment_method,
    buyer_info, open_orders, version, created_at, done_at)
select event_id, 'old-' || n, '00000000-0000-7000-8000-000000000001', 'stripe', 'pm_card_visa',
    '{"email":"buyer@example.com"}', 0, 2, moment, moment from chunk

-- name: payment_orders
insert into payments.payment_orders (order_id, payment_order_id, event_id, checkout_id,
    seller_account, amount_minor, captured_minor, currency, psp, status, attempt, psp_reference,
    fee_minor, ledger_updated, wallet_updated, version, created_at, updated_at, finalized_at)
select order_id, 'old-' || n || '-' || part, event_id, 'old-' || n, 'seller-' || seller,
    1234, 1234, 'USD', 'stripe', 'SUCCESS', 1, 'ch_' || n || part, 29, true, true, 3, moment, moment, moment
from chunk_order

-- name: checkout_keys
insert into payments.checkout_keys select 'old-' || n, event_id from chunk

-- name: order_keys
insert into payments.order_keys select 'old-' || n || '-' || part, order_id from chunk_order

-- name: idempotency_keys
insert into payments.idempotency_keys
select '00000000-0000-7000-8000-000000000001', 'c:old-' || n, sha256(n::text::bytea),
    convert_to(repeat('x', 500), 'UTF8'), moment, now() + interval '30 days' from chunk

-- name: attempts
insert into payments.attempts (order_id, attempt, psp, idempotency_key, calls, outcome, started_at,
    charged_at, finished_at)
select order_id, 1, 'stripe', 'old-' || n || '-' || part, 1, 'succeeded', moment, moment, moment
from chunk_order

-- name: payment_facts
insert into payments.outbox (aggregate_id, version, type, occurred_at, payload)
select event_id, version, 'payment_event.done', moment, repeat('x', 300)
from chunk, generate_series(1, 2) version
union all
select order_id, version, 'payment_order.succeeded', moment, repeat('x', 300)
from chunk_order, generate_series(2, 3) version

-- name: journal_entries
insert into ledger.journal_entries
select order_id, 'sale', order_id, 'old-' || n || '-' || part, moment, moment, 'sale'
from chunk_order

-- name: journal_lines
insert into ledger.journal_lines
select order_id, 'sale', line, 'USD', 100, 1000000 + line, 1001000 + seller, 0, 0, n, n, moment
from chunk_order, generate_series(1, 2) line

-- name: ledger_facts
insert into ledger.outbox (aggregate_id, version, type, occurred_at, payload)
select order_id, 1, 'journal_entry.posted', moment, repeat('x', 250) from chunk_order

-- name: movements
insert into wallets.movements
select order_id, 'sale', order_id, 'old-' || n || '-' || part, 1000000 + seller, n, 100, 0, 0,
    100, 0, 0, moment, moment from chunk_order

-- name: sales
insert into wallets.sales (sale_id, reference, seller_account, currency, share_minor, sold_at, matures,
    due_at, matured_at)
select order_id, 'old-' || n || '-' || part, 'old-' || seller, 'USD', 100, moment, 'after_delay',
    moment, moment from chunk_order

-- name: wallet_facts
insert into wallets.outbox (aggregate_id, version, type, occurred_at, payload)
select order_id, 1, 'wallet.updated', moment, repeat('x', 250) from chunk_order

-- name: drop_chunk
drop table chunk, chunk_order

-- name: positions
-- What is stored was consumed long ago.
insert into {schema}.positions (consumer, xid, position)
select '{consumer}', pg_current_xact_id(), 0
