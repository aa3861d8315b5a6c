-- What the platform earns of each sale: the amounts that are told of it, beside what its PSP took.

alter table wallets.sales
    -- Null while only the settlement is known.
    add column amount_minor bigint,
    add column fee_minor bigint,
    -- What went back, of the amount and of the fee.
    add column refunded_minor bigint not null default 0,
    add column fee_returned_minor bigint not null default 0,
    -- When the PSP took the sale back, and with it all of the fee.
    add column reversed_at timestamptz;

-- Sales from before, as far as payments are in this database: it alone knows their fees.
do $$
begin
    if to_regclass('payments.sales') is null or to_regclass('payments.operations') is null then
        return;
    end if;
    execute $sql$
        update wallets.sales s
        set amount_minor = o.amount_minor, fee_minor = o.fee_minor
        from payments.sales o where o.order_id = s.sale_id and s.share_minor is not null
    $sql$;
    execute $sql$
        update wallets.sales s
        set refunded_minor = r.refunded, fee_returned_minor = r.fee_returned
        from (
            select p.order_id, sum(p.amount_minor)::bigint as refunded,
                sum(p.fee_returned_minor)::bigint as fee_returned
            from payments.operations p
            join wallets.movements m on m.source_id = p.operation_id and m.kind = 'refund'
            where not exists (select from wallets.movements u
                where u.source_id = p.operation_id and u.kind = 'refund_reversal')
            group by p.order_id
        ) r
        where r.order_id = s.sale_id and s.amount_minor is not null
    $sql$;
end
$$;
update wallets.sales s set reversed_at = m.event_at
from wallets.movements m where m.kind = 'sale_reversal' and m.source_id = s.sale_id;

alter table wallets.sales
    add constraint earned_whole check (
        num_nonnulls(amount_minor, fee_minor) in (0, 2) and fee_minor between 0 and amount_minor),
    -- That no more goes back than there was is the payments' ceiling; a seller is credited whatever
    -- stands here.
    add constraint nothing_negative_back check (refunded_minor >= 0 and fee_returned_minor >= 0);
-- A seller's sales of a time.
create index sales_of on wallets.sales (seller_account, sale_id);
