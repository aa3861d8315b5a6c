-- Rolling reserves: a part of what matures is kept back for some days, against refunds and disputes
-- that come later. And what always stays in a wallet.

alter table wallets.terms
    add column reserve_basis_points int check (reserve_basis_points between 0 and 10000),
    add column reserve_days int check (reserve_days between 0 and 3650),
    add column keep_minor bigint check (keep_minor >= 0),
    add constraint kept_in_a_currency check (keep_minor is null or currency is not null);

alter table wallets.sales
    add column reserve_basis_points int not null default 0
        check (reserve_basis_points between 0 and 10000),
    add column reserve_days int not null default 0 check (reserve_days between 0 and 3650);

-- What is kept back of a sale that matured; released whole, once.
create table wallets.reserves (
    sale_id uuid primary key,
    reference text not null,
    seller_account text collate "C" not null,
    currency text collate "C" not null check (length(currency) = 3),
    amount_minor bigint not null check (amount_minor > 0),
    kept_at timestamptz not null,
    release_at timestamptz not null check (release_at >= kept_at),
    released_at timestamptz check (released_at >= kept_at)
) partition by range (sale_id);
-- The next that is released, and the oldest that a seller has.
create index reserves_due on wallets.reserves (release_at) where released_at is null;
create index reserves_of on wallets.reserves (seller_account, currency, release_at)
    where released_at is null;
grant select, insert on wallets.reserves to clearhouse_app;
grant update (released_at) on wallets.reserves to clearhouse_app;
create table wallets.reserves_default partition of wallets.reserves default;
select clearhouse.ensure_partitions('wallets.reserves', current_date - 1, current_date + 14);
