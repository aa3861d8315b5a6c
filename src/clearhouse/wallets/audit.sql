-- What must hold in the wallets, each as a count of what was looked at and the rows that offend.

-- name: balances_examined
select count(*) from wallets.wallets

-- name: balances_offenders
select format('wallet %s of %s in %s: the balances after %s movements are not the sum of its %s',
    m.wallet_id, w.seller_account, w.currency, w.movement_count, coalesce(m.movements, 0))
    as offender
from wallets.wallets w
full join (
    select wallet_id, sum(movements) as movements, sum(pending_minor) as pending,
        sum(available_minor) as available, sum(reserved_minor) as reserved
    from (
        select wallet_id, 1 as movements, pending_minor, available_minor, reserved_minor
        from wallets.movements
        union all
        select wallet_id, last_sequence - first_sequence + 1,
            pending_minor, available_minor, reserved_minor
        from wallets.archived_movements
    ) s
    group by wallet_id
) m on m.wallet_id = w.wallet_id
where w.wallet_id is null
    or w.movement_count <> coalesce(m.movements, 0)
    or w.pending_minor <> coalesce(m.pending, 0)
    or w.available_minor <> coalesce(m.available, 0)
    or w.reserved_minor <> coalesce(m.reserved, 0)

-- name: running_examined
select (select count(*) from wallets.movements) + (select count(*) from wallets.archived_movements)

-- name: running_offenders
-- A run of archived movements is one step of many movements, first_sequence to sequence.
select format('movement %s (%s of %s) of wallet %s does not follow from the one before',
    sequence, kind, source_id, wallet_id) as offender
from (
    select m.*,
        lag(pending_after) over w as pending_before,
        lag(available_after) over w as available_before,
        lag(reserved_after) over w as reserved_before,
        lag(sequence) over w as sequence_before,
        lag(recorded_at) over w as recorded_before
    from (
        select wallet_id, kind, source_id, sequence as first_sequence, sequence,
            pending_minor, available_minor, reserved_minor,
            pending_after, available_after, reserved_after,
            recorded_at as first_recorded_at, recorded_at
        from wallets.movements
        union all
        select wallet_id, 'archived', range_from, first_sequence, last_sequence,
            pending_minor, available_minor, reserved_minor,
            pending_after, available_after, reserved_after, first_recorded_at, last_recorded_at
        from wallets.archived_movements
    ) m
    window w as (partition by wallet_id order by sequence)
) r
where pending_after <> coalesce(pending_before, 0) + pending_minor
    or available_after <> coalesce(available_before, 0) + available_minor
    or reserved_after <> coalesce(reserved_before, 0) + reserved_minor
    or first_sequence <> coalesce(sequence_before, 0) + 1
    or first_recorded_at < recorded_before

-- name: noted_examined
select count(*) from wallets.movements where kind = 'sale'

-- name: noted_offenders
select format('sale %s of %s: credited %s %s to %s, noted %s %s of %s', coalesce(m.source_id, s.sale_id),
    coalesce(m.reference, s.reference), m.pending_minor, m.currency, m.seller_account,
    s.share_minor, s.currency, s.seller_account) as offender
from (
    select m.source_id, m.reference, m.pending_minor, w.seller_account, w.currency
    from wallets.movements m join wallets.wallets w using (wallet_id) where m.kind = 'sale'
) m
full join (select * from wallets.sales where sold_at is not null) s on s.sale_id = m.source_id
where (m.pending_minor, m.seller_account, m.currency)
    is distinct from (s.share_minor, s.seller_account, s.currency)

-- name: matured_examined
select count(*) from wallets.sales where matured_at is not null

-- name: matured_offenders
with matured as (
    select source_id, reference, pending_minor + available_minor + reserved_minor as change
    from wallets.movements where kind = 'matured'
), left_of as (
    select sale, sum(minor) as minor
    from (
        select source_id as sale, pending_minor as minor from wallets.movements where kind = 'sale'
        union all
        select sale_id, pending_minor from wallets.movements where sale_id is not null
    ) p
    group by sale
)
select case
    when m.source_id is null then format('%s matured, and nothing moved', s.reference)
    when s.sale_id is null then format('%s moved, and has not matured', m.reference)
    else format('%s matured: %s is pending still, and %s was added', s.reference, l.minor, m.change)
    end as offender
from (select * from wallets.sales where matured_at is not null) s
full join matured m on m.source_id = s.sale_id
left join left_of l on l.sale = m.source_id
where s.sale_id is null or m.source_id is null or m.change <> 0 or l.minor is distinct from 0

-- name: payouts_examined
select count(*) from wallets.payouts

-- name: payouts_offenders
-- Each payout took its amount once, and gave it back if and only if it came back.
select case
    when p.payout_id is null then format('payout %s moved %s %s, but there is no such payout',
        m.reference, m.taken, m.currency)
    when m.source_id is null then format('payout %s of %s took nothing from its wallet', p.payout_id,
        p.seller_account)
    else format('payout %s of %s %s is %s: %s taken from %s %s, %s given back', p.payout_id,
        p.amount_minor, p.currency, p.status, m.taken, m.seller_account, m.currency, m.given)
    end as offender
from wallets.payouts p
full join (
    select m.source_id, min(m.reference) as reference, w.seller_account, w.currency,
        coalesce(-sum(m.available_minor) filter (where m.kind = 'payout'), 0) as taken,
        coalesce(sum(m.available_minor) filter (where m.kind = 'payout_reversal'), 0) as given
    from wallets.movements m join wallets.wallets w on w.wallet_id = m.wallet_id
    where m.kind in ('payout', 'payout_reversal')
    group by m.source_id, w.seller_account, w.currency
) m on m.source_id = p.payout_id
where p.payout_id is null or m.source_id is null
    or m.seller_account <> p.seller_account or m.currency <> p.currency
    or m.taken <> p.amount_minor
    or m.given <> case when p.status in ('failed', 'returned', 'cancelled') then p.amount_minor
        else 0 end

-- name: batches_examined
select count(*) from wallets.payout_batches

-- name: batches_offenders
-- What was sent under one identity is what was put into it, to the cent.
select format('batch %s of %s has %s payouts over %s %s, but was made of %s over %s',
    coalesce(b.number::text, p.batch_id::text), coalesce(b.rail, p.rail), coalesce(p.payouts, 0),
    coalesce(p.total, 0), p.currency, b.payouts, b.total_minor) as offender
from wallets.payout_batches b
full join (
    select batch_id, rail, currency, count(*) as payouts, sum(amount_minor) as total
    from wallets.payouts where batch_id is not null group by batch_id, rail, currency
) p on p.batch_id = b.batch_id and p.rail = b.rail and p.currency = b.currency
where b.batch_id is null or p.batch_id is null
    or p.payouts <> b.payouts or p.total <> b.total_minor

-- name: sending_examined
select count(*) from wallets.payouts where status in ('approved', 'submitted')

-- name: sending_offenders
-- Nothing that has to be sent or asked about is forgotten, and nothing else is sent.
select format('payout %s is %s, and %s', p.payout_id, coalesce(p.status, 'not there'),
    case when w.payout_id is null then 'nobody will move it on' else 'yet waits to be sent' end)
    as offender
from wallets.payouts p
full join wallets.payouts_waiting w on w.payout_id = p.payout_id
left join wallets.payout_batch_work b on b.batch_id = p.batch_id
where (p.status = 'approved') is distinct from (w.payout_id is not null)
        and (p.status = 'approved' or w.payout_id is not null)
    or (p.status = 'submitted' and b.batch_id is null)

-- name: reserves_examined
select count(*) from wallets.reserves

-- name: reserves_offenders
select format('of %s %s is kept back%s, and its movements keep %s',
    coalesce(r.reference, m.reference), coalesce(r.amount_minor, 0),
    case when r.released_at is not null then ' no longer' else '' end, coalesce(m.minor, 0))
    as offender
from wallets.reserves r
full join (
    select source_id, min(reference) as reference, sum(reserved_minor) as minor
    from wallets.movements where kind in ('reserve', 'reserve_release') group by source_id
) m on m.source_id = r.sale_id
where r.sale_id is null or m.source_id is null
    or m.minor <> case when r.released_at is null then r.amount_minor else 0 end

-- name: write_offs_examined
select count(*) from wallets.write_offs

-- name: write_offs_offenders
select case
    when d.write_off_id is null then format('write-off %s moved %s, but there is no such write-off',
        m.reference, m.available_minor)
    else format('write-off %s of %s %s of %s credited %s %s to %s', d.write_off_id, d.amount_minor,
        d.currency, d.seller_account, coalesce(m.available_minor, 0), m.currency, m.seller_account)
    end as offender
from wallets.write_offs d
full join (
    select m.source_id, m.reference, m.available_minor, w.seller_account, w.currency
    from wallets.movements m join wallets.wallets w using (wallet_id) where m.kind = 'write_off'
) m on m.source_id = d.write_off_id
where (d.amount_minor, d.seller_account, d.currency)
    is distinct from (m.available_minor, m.seller_account, m.currency)
