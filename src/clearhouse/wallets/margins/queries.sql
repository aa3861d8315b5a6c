-- All SQL of margins. Sales are found by the time in their id, which is when they were accepted.

-- name: margins
-- {seller} and {conditions} are put together in service.py from fixed texts. Of each currency the
-- smallest margins first, at most $3. A sale that was taken back leaves its cost alone.
select seller_account, currency, sales, volume, refunded, fees, settled_sales, settled_volume,
    settled_fees, costs
from (
    select m.*, row_number() over (partition by m.currency
        order by m.settled_fees - m.costs, m.seller_account) as place
    from (
        select {seller} as seller_account, currency,
            count(*) filter (where kept) as sales,
            coalesce(sum(amount_minor) filter (where kept), 0)::bigint as volume,
            coalesce(sum(refunded_minor) filter (where kept), 0)::bigint as refunded,
            coalesce(sum(fee_minor - fee_returned_minor) filter (where kept), 0)::bigint as fees,
            count(*) filter (where kept and settled) as settled_sales,
            coalesce(sum(amount_minor) filter (where kept and settled), 0)::bigint as settled_volume,
            coalesce(sum(fee_minor - fee_returned_minor) filter (where kept and settled), 0)::bigint
                as settled_fees,
            coalesce(sum(psp_fee_minor), 0)::bigint as costs
        from (
            select s.seller_account, s.currency, s.amount_minor, s.refunded_minor, s.fee_minor,
                s.fee_returned_minor, s.psp_fee_minor, s.settled_at is not null as settled,
                s.reversed_at is null as kept
            from wallets.sales s
            where s.sale_id >= $1 and s.sale_id < $2 and s.amount_minor is not null {conditions}
        ) s
        group by 1, 2
    ) m
) p
where place <= $3
order by currency, place

-- name: horizon
select clearhouse.archive_horizon()
