-- What the wallets show to reconciliation: the sales that sellers were credited with.

create view wallets.credited_sales as
    select m.source_id as order_id, m.reference, m.event_at, m.pending_minor, w.seller_account,
        w.currency
    from wallets.movements m join wallets.wallets w on w.wallet_id = m.wallet_id
    where m.kind = 'sale';

grant select on wallets.credited_sales to clearhouse_app;
