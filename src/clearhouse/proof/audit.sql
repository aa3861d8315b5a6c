-- What must hold between services. An effect may still be on its way: then the event that will
-- bring it lies beyond the consumer's position, and that is no violation.

-- name: booked_examined
select count(*) from payments.payment_orders where status = 'SUCCESS'

-- name: booked_offenders
select case
    when o.order_id is null then format('sale %s is booked, but there is no such order', j.reference)
    when j.source_id is null then format('%s succeeded and is not booked', o.payment_order_id)
    when o.status <> 'SUCCESS' then format('%s is %s and yet booked', o.payment_order_id, o.status)
    else format('%s is %s %s with a fee of %s, but booked as %s %s with %s', o.payment_order_id,
        o.captured_minor, o.currency, o.fee_minor, j.amount_minor, j.currency, j.fee_minor)
    end as offender
from (
    select o.*, e.xid, e.position
    from payments.payment_orders o
    left join payments.outbox e on e.aggregate_id = o.order_id
        and e.type = 'payment_order.succeeded'
) o
full join (
    select e.source_id, min(e.reference) as reference, min(l.currency) as currency,
        coalesce(sum(l.amount_minor) filter (where starts_with(d.code, 'psp_receivable:')), 0)
            as amount_minor,
        coalesce(sum(l.amount_minor) filter (where starts_with(c.code, 'platform_fee_revenue:')), 0)
            as fee_minor
    from ledger.journal_entries e
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind
    join ledger.accounts d on d.account_id = l.debit_account
    join ledger.accounts c on c.account_id = l.credit_account
    where e.kind = 'sale'
    group by e.source_id
) j on j.source_id = o.order_id
left join ledger.positions p on p.consumer = 'ledger.payments'
where (o.order_id is null)
    or (j.source_id is not null and (o.status <> 'SUCCESS' or j.amount_minor <> o.captured_minor
        or j.fee_minor <> o.fee_minor or j.currency <> o.currency))
    or (j.source_id is null and o.status = 'SUCCESS'
        and (o.ledger_updated or (o.xid, o.position) <= (p.xid, p.position)))

-- name: credited_examined
select count(*) from payments.payment_orders where status = 'SUCCESS'

-- name: credited_offenders
select case
    when o.order_id is null then format('sale %s is credited, but there is no such order', m.reference)
    when m.source_id is null then format('%s succeeded and is not credited', o.payment_order_id)
    when o.status <> 'SUCCESS' then format('%s is %s and yet credited', o.payment_order_id, o.status)
    else format('%s owes its seller %s %s, but %s %s was credited to %s', o.payment_order_id,
        o.captured_minor - o.fee_minor, o.currency, m.pending_minor, m.currency, m.seller_account)
    end as offender
from (
    select o.*, e.xid, e.position
    from payments.payment_orders o
    left join payments.outbox e on e.aggregate_id = o.order_id
        and e.type = 'payment_order.succeeded'
) o
full join (
    select m.source_id, m.reference, m.pending_minor, w.seller_account, w.currency
    from wallets.movements m join wallets.wallets w on w.wallet_id = m.wallet_id
    where m.kind = 'sale'
) m on m.source_id = o.order_id
left join wallets.positions p on p.consumer = 'wallets.payments'
where (o.order_id is null)
    or (m.source_id is not null and (o.status <> 'SUCCESS'
        or m.pending_minor <> o.captured_minor - o.fee_minor or m.currency <> o.currency
        or m.seller_account <> o.seller_account))
    or (m.source_id is null and o.status = 'SUCCESS'
        and (o.wallet_updated or (o.xid, o.position) <= (p.xid, p.position)))

-- name: moved_examined
select (select count(*) from payments.operations where kind in ('refund', 'stray_refund'))
    + (select count(*) from payments.payment_orders where reversed_at is not null)

-- name: moved_offenders
-- What was refunded, taken back or charged by mistake, beside the entries it must have. The
-- amounts are those on the account that the entry is about.
with due as (
    select p.operation_id as source_id, p.public_id as reference, k.kind, k.account,
        p.amount_minor, p.currency, e.xid, e.position
    from payments.operations p
    cross join lateral (values
        ('refund', 'refunds_in_transit:', 'refund.created', p.kind = 'refund'),
        ('stray_charge', 'refunds_in_transit:', 'stray_charge.found', p.kind = 'stray_refund'),
        ('refund_settled', 'refunds_in_transit:', 'refund.succeeded', p.status = 'SUCCEEDED'
            or (p.status = 'FAILED' and p.version = 3)),
        ('refund_reversal', 'refunds_in_transit:', 'refund.failed', p.status = 'FAILED'
            and (p.kind = 'refund' or p.version = 3))
    ) as k (kind, account, event, wanted)
    left join payments.outbox e on e.aggregate_id = p.operation_id and e.type = k.event
    where p.kind in ('refund', 'stray_refund') and k.wanted
    union all
    select o.order_id, o.payment_order_id, 'sale_reversal', 'psp_receivable:',
        o.captured_minor, o.currency, e.xid, e.position
    from payments.payment_orders o
    left join payments.outbox e on e.aggregate_id = o.order_id
        and e.type = 'payment_order.reversed'
    where o.reversed_at is not null
), booked as (
    select e.source_id, e.kind, min(e.reference) as reference, min(l.currency) as currency,
        max(l.amount_minor) filter (where starts_with(d.code, k.account)
            or starts_with(c.code, k.account)) as amount_minor
    from ledger.journal_entries e
    join (values ('refund', 'refunds_in_transit:'), ('stray_charge', 'refunds_in_transit:'),
        ('refund_settled', 'refunds_in_transit:'), ('refund_reversal', 'refunds_in_transit:'),
        ('sale_reversal', 'psp_receivable:')) as k (kind, account) on k.kind = e.kind
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind
    join ledger.accounts d on d.account_id = l.debit_account
    join ledger.accounts c on c.account_id = l.credit_account
    group by e.source_id, e.kind
)
select case
    when d.source_id is null then format('%s of %s is booked, but nothing calls for it',
        b.kind, b.reference)
    when b.source_id is null then format('%s of %s is not booked', d.kind, d.reference)
    else format('%s of %s is %s %s, but booked as %s %s', d.kind, d.reference, d.amount_minor,
        d.currency, b.amount_minor, b.currency) end as offender
from due d
full join booked b on b.source_id = d.source_id and b.kind = d.kind
left join ledger.positions p on p.consumer = 'ledger.payments'
where d.source_id is null
    or (b.source_id is not null
        and (b.amount_minor is distinct from d.amount_minor or b.currency <> d.currency))
    or (b.source_id is null and (d.xid is null or (d.xid, d.position) <= (p.xid, p.position)))

-- name: disputes_examined
select count(*) from payments.disputes

-- name: disputes_offenders
-- What the ledger keeps for each dispute, beside where its money is. Compared once the ledger has
-- seen all that was told of it.
with told as (
    select e.aggregate_id, count(*) as moves,
        count(*) filter (where (e.xid, e.position) > (p.xid, p.position) or p.xid is null) as unread
    from payments.outbox e
    left join ledger.positions p on p.consumer = 'ledger.payments'
    where e.type in ('dispute.opened', 'dispute.closed')
    group by e.aggregate_id
), booked as (
    select source_id, count(distinct kind) as entries, min(reference) as reference,
        coalesce(sum(change_minor) filter (where starts_with(account, 'disputes_receivable:')), 0)
            as waiting,
        coalesce(sum(change_minor) filter (where starts_with(account, 'seller_reserve:')), 0)
            as reserved,
        coalesce(sum(change_minor) filter (where starts_with(account, 'losses:')), 0) as lost
    from ledger.postings
    where starts_with(kind, 'dispute_') group by source_id
)
select format('dispute %s is %s, %s of %s borne by its seller: booked in %s entries of %s, with %s'
    ' waiting, %s in reserve and %s lost', coalesce(d.public_id, b.reference), d.money,
    d.seller_minor, d.amount_minor, coalesce(b.entries, 0), coalesce(t.moves, 0), b.waiting,
    b.reserved, b.lost) as offender
from payments.disputes d
full join booked b on b.source_id = d.dispute_id
left join told t on t.aggregate_id = d.dispute_id
where d.dispute_id is null
    or (coalesce(t.unread, 0) = 0 and (coalesce(b.entries, 0) <> coalesce(t.moves, 0)
        or coalesce(b.waiting, 0) <> case d.money when 'held' then d.amount_minor else 0 end
        or coalesce(b.reserved, 0) <> case d.money when 'held' then d.seller_minor else 0 end
        or coalesce(b.lost, 0)
            <> case d.money when 'taken' then d.amount_minor - d.seller_minor else 0 end))

-- name: payouts_examined
select count(*) from wallets.payouts

-- name: payouts_offenders
-- Every payout beside the entries it must have: one that takes, one when it left, and one that
-- gives back when it came back.
with due as (
    select p.payout_id as source_id, 'po_' || replace(p.payout_id::text, '-', '') as reference,
        k.kind, p.amount_minor, p.currency, e.xid, e.position
    from wallets.payouts p
    cross join lateral (values
        ('payout', array['payout.created'], true),
        ('payout_paid', array['payout.paid'], p.paid_at is not null),
        ('payout_reversal', array['payout.failed', 'payout.returned', 'payout.cancelled'],
            p.status in ('failed', 'returned', 'cancelled'))
    ) as k (kind, events, wanted)
    left join lateral (
        select o.xid, o.position from wallets.outbox o
        where o.aggregate_id = p.payout_id and o.type = any (k.events) order by o.version limit 1
    ) e on true
    where k.wanted
), booked as (
    select e.source_id, e.kind, min(e.reference) as reference, min(l.currency) as currency,
        max(l.amount_minor) filter (where starts_with(d.code, 'payouts_in_transit:')
            or starts_with(c.code, 'payouts_in_transit:')) as amount_minor
    from ledger.journal_entries e
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind
    join ledger.accounts d on d.account_id = l.debit_account
    join ledger.accounts c on c.account_id = l.credit_account
    where e.kind in ('payout', 'payout_paid', 'payout_reversal')
    group by e.source_id, e.kind
)
select case
    when d.source_id is null then format('%s of %s is booked, but nothing calls for it',
        b.kind, b.reference)
    when b.source_id is null then format('%s of %s is not booked', d.kind, d.reference)
    else format('%s of %s is %s %s, but booked as %s %s', d.kind, d.reference, d.amount_minor,
        d.currency, b.amount_minor, b.currency) end as offender
from due d
full join booked b on b.source_id = d.source_id and b.kind = d.kind
left join ledger.positions p on p.consumer = 'ledger.wallets'
where d.source_id is null
    or (b.source_id is not null
        and (b.amount_minor is distinct from d.amount_minor or b.currency <> d.currency))
    or (b.source_id is null and (d.xid is null or (d.xid, d.position) <= (p.xid, p.position)))

-- name: reserves_examined
select count(*) from wallets.reserves

-- name: reserves_offenders
-- Every movement of a reserve beside its entry.
with due as (
    select m.source_id, m.kind, m.reference, abs(m.reserved_minor) as amount_minor, w.currency,
        w.seller_account, e.xid, e.position
    from wallets.movements m
    join wallets.wallets w using (wallet_id)
    left join wallets.outbox e on e.aggregate_id = m.source_id
        and e.type = case m.kind when 'reserve' then 'reserve.kept' else 'reserve.released' end
    where m.kind in ('reserve', 'reserve_release')
), booked as (
    select e.source_id, e.kind, e.reference, l.amount_minor, l.currency, a.owner as seller_account
    from ledger.journal_entries e
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind
    join ledger.accounts a on a.account_id
        = case e.kind when 'reserve' then l.credit_account else l.debit_account end
        and starts_with(a.code, 'seller_reserve:')
    where e.kind in ('reserve', 'reserve_release')
)
select case
    when d.source_id is null then format('%s of %s is booked, but nothing moved', b.kind, b.reference)
    when b.source_id is null then format('%s of %s is not booked', d.kind, d.reference)
    else format('%s of %s is %s %s of %s, but booked as %s %s of %s', d.kind, d.reference,
        d.amount_minor, d.currency, d.seller_account, b.amount_minor, b.currency, b.seller_account)
    end as offender
from due d
full join booked b on b.source_id = d.source_id and b.kind = d.kind
left join ledger.positions p on p.consumer = 'ledger.wallets'
where d.source_id is null
    or (b.source_id is not null and (b.amount_minor, b.currency, b.seller_account)
        is distinct from (d.amount_minor, d.currency, d.seller_account))
    or (b.source_id is null and (d.xid is null or (d.xid, d.position) <= (p.xid, p.position)))

-- name: write_offs_examined
select count(*) from wallets.write_offs

-- name: write_offs_offenders
-- Every debt that was let go beside its entry.
with due as (
    select d.write_off_id as source_id, d.seller_account, d.amount_minor, d.currency,
        e.xid, e.position
    from wallets.write_offs d
    left join wallets.outbox e on e.aggregate_id = d.write_off_id and e.type = 'debt.written_off'
), booked as (
    select e.source_id, e.reference, l.amount_minor, l.currency, c.owner as seller_account,
        starts_with(d.code, 'losses:') and starts_with(c.code, 'seller_payable:') as is_right
    from ledger.journal_entries e
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind
    join ledger.accounts d on d.account_id = l.debit_account
    join ledger.accounts c on c.account_id = l.credit_account
    where e.kind = 'write_off'
)
select case
    when d.source_id is null then format('write-off %s is booked, but nothing was written off',
        b.reference)
    when b.source_id is null then format('write-off %s of %s %s is not booked', d.source_id,
        d.amount_minor, d.currency)
    else format('write-off %s is %s %s of %s, but booked as %s %s of %s', d.source_id,
        d.amount_minor, d.currency, d.seller_account, b.amount_minor, b.currency, b.seller_account)
    end as offender
from due d
full join booked b on b.source_id = d.source_id
left join ledger.positions p on p.consumer = 'ledger.wallets'
where d.source_id is null
    or (b.source_id is not null and (not b.is_right or (b.amount_minor, b.currency,
        b.seller_account) is distinct from (d.amount_minor, d.currency, d.seller_account)))
    or (b.source_id is null and (d.xid is null or (d.xid, d.position) <= (p.xid, p.position)))

-- name: wallets_examined
select count(*) from wallets.wallets

-- name: wallets_offenders
-- What only one of both has seen yet is taken out; whether it may be so is checked above. What is
-- archived, both have seen. What matures has no entry, since pending and available are one account.
with booked as (
    select a.owner as seller_account, a.currency,
        coalesce(sum(p.change_minor) filter (where starts_with(a.code, 'seller_payable:')), 0) as free,
        coalesce(sum(p.change_minor) filter (where starts_with(a.code, 'seller_reserve:')), 0)
            as reserved
    from (
        select p.account_id, p.change_minor from ledger.postings p
        where exists (select from wallets.movements m
            where m.source_id = p.source_id and m.kind = p.kind)
        union all
        select account_id, change_minor from ledger.archived_postings
    ) p
    join ledger.accounts a on a.account_id = p.account_id
    where starts_with(a.code, 'seller_payable:') or starts_with(a.code, 'seller_reserve:')
    group by a.owner, a.currency
), credited as (
    select w.seller_account, w.currency, sum(m.pending_minor + m.available_minor) as free,
        sum(m.reserved_minor) as reserved
    from (
        select wallet_id, pending_minor, available_minor, reserved_minor from wallets.movements m
        where exists (select from ledger.journal_entries e
            where e.source_id = m.source_id and e.kind = m.kind)
        union all
        select wallet_id, pending_minor, available_minor, reserved_minor
        from wallets.archived_movements
    ) m
    join wallets.wallets w on w.wallet_id = m.wallet_id
    group by w.seller_account, w.currency
)
select format('wallet of %s holds %s %s and %s in reserve, the ledger owes %s and %s in reserve',
    coalesce(c.seller_account, b.seller_account), coalesce(c.free, 0),
    coalesce(c.currency, b.currency), coalesce(c.reserved, 0), coalesce(b.free, 0),
    coalesce(b.reserved, 0)) as offender
from booked b
full join credited c on c.seller_account = b.seller_account and c.currency = b.currency
where (b.free, b.reserved) is distinct from (c.free, c.reserved)

-- name: letters_examined
select (select count(*) from payments.dead_letters) + (select count(*) from ledger.dead_letters)
    + (select count(*) from wallets.dead_letters) + (select count(*) from webhooks.dead_letters)

-- name: letters_offenders
select format('%s could not handle %s of %s: %s', consumer, type, aggregate_id, error) as offender
from (
    select * from payments.dead_letters union all select * from ledger.dead_letters
    union all select * from wallets.dead_letters union all select * from webhooks.dead_letters
) d where resolved_at is null

-- name: unfinished
-- What is still on its way, for people to know; nothing of it is a violation.
select count(*) filter (where status = 'NOT_STARTED') as not_started,
    count(*) filter (where status = 'EXECUTING') as executing,
    count(*) filter (where status = 'SUCCESS' and not (ledger_updated and wallet_updated)) as booking,
    (select count(*) from payments.operations where status in ('CREATED', 'SUBMITTED'))
        + (select count(*) from payments.dispute_answers where status in ('CREATED', 'SUBMITTED'))
        as operations,
    (select count(*) from wallets.payouts where status in ('created', 'approved', 'submitted'))
        as payouts
from payments.payment_orders
