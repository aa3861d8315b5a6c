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
