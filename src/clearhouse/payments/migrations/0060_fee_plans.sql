-- Fee plans: what the platform takes of sales, by plan, currency and time, who has which plan, and
-- what decided the fee of an order. History is only added to.

create function payments.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'Add what takes its place from now on.';
end
$$;
revoke all on function payments.refuse_change from public;

create function payments.is_ascending(numbers bigint[]) returns boolean
    language sql immutable
    as $$
    select not exists (
        select from generate_subscripts(numbers, 1) n
        where numbers[n] <= case n when 1 then 0 else numbers[n - 1] end)
$$;

-- What a plan says of a currency from a moment on; currency '' is for those it does not name.
create table payments.fee_versions (
    version_id uuid primary key,
    plan text collate "C" not null check (length(plan) between 1 and 300),
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$' or currency = ''),
    version int not null check (version >= 1),
    valid_from timestamptz not null,
    basis_points int not null check (basis_points between 0 and 10000),
    fixed_minor bigint not null default 0 check (fixed_minor >= 0),
    minimum_minor bigint not null default 0 check (minimum_minor >= 0),
    cap_minor bigint check (cap_minor >= minimum_minor),
    -- The rates from a volume of the month on, ascending; all three null where there are none.
    tier_from bigint[] check (payments.is_ascending(tier_from)),
    tier_basis_points int[] check (0 <= all (tier_basis_points) and 10000 >= all (tier_basis_points)),
    tier_fixed_minor bigint[] check (0 <= all (tier_fixed_minor)),
    set_at timestamptz not null,
    set_by text not null check (set_by <> ''),
    reason text not null check (reason <> ''),
    unique (plan, currency, version),
    constraint tiers_whole check (
        num_nonnulls(tier_from, tier_basis_points, tier_fixed_minor) in (0, 3)
        and cardinality(tier_from) is not distinct from cardinality(tier_basis_points)
        and cardinality(tier_from) is not distinct from cardinality(tier_fixed_minor)
        and cardinality(tier_from) > 0)
);
create index fee_versions_at on payments.fee_versions (plan, currency, valid_from, version);

-- Which plan a seller has from a moment on; seller '' is everyone without a plan of their own, and
-- plan null takes a plan away.
create table payments.fee_assignments (
    assignment_id uuid primary key,
    seller_account text collate "C" not null,
    plan text collate "C",
    valid_from timestamptz not null,
    set_at timestamptz not null,
    set_by text not null check (set_by <> ''),
    reason text not null check (reason <> '')
);
create index fee_assignments_at on payments.fee_assignments (seller_account, valid_from, assignment_id);

create trigger append_only before update or delete on payments.fee_versions
    for each row execute function payments.refuse_change();
create trigger append_only_whole before truncate on payments.fee_versions
    for each statement execute function payments.refuse_change();
create trigger append_only before update or delete on payments.fee_assignments
    for each row execute function payments.refuse_change();
create trigger append_only_whole before truncate on payments.fee_assignments
    for each statement execute function payments.refuse_change();

-- A month's sales of sellers whose plan has tiers, by when their payments were accepted. Made by the
-- first sale that needs it, and counted under its lock from then on.
create table payments.fee_volumes (
    seller_account text collate "C" not null,
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    month date not null check (extract(day from month) = 1),
    volume_minor bigint not null check (volume_minor >= 0),
    primary key (seller_account, currency, month)
) with (fillfactor = 70);
create index fee_volumes_month on payments.fee_volumes (month);

-- The version that counts for a payment accepted at a moment: the seller's own plan before
-- everyone's, what it says of the currency by name before what it says of others, the newest that
-- has begun. No row: the platform's default fee.
create function payments.fee_version_at(in_seller text, in_currency text, in_moment timestamptz)
    returns setof payments.fee_versions
    language sql stable
    as $$
    select v.*
    from (
        (select a.plan, 1 as particular from payments.fee_assignments a
        where a.seller_account = in_seller and a.valid_from <= in_moment
        order by a.valid_from desc, a.assignment_id desc limit 1)
        union all
        (select a.plan, 0 from payments.fee_assignments a
        where a.seller_account = '' and a.valid_from <= in_moment
        order by a.valid_from desc, a.assignment_id desc limit 1)
    ) a
    join payments.fee_versions v on v.plan = a.plan and v.currency in (in_currency, '')
        and v.valid_from <= in_moment
    order by a.particular desc, v.currency desc, v.valid_from desc, v.version desc
    limit 1
$$;

-- What decided an order's fee: no version is the default fee, and no volume is a plan without tiers.
alter table payments.payment_orders
    add column fee_version uuid,
    add column fee_volume_minor bigint,
    add constraint volume_of_a_version check (fee_volume_minor is null or fee_version is not null),
    add constraint version_of_a_fee check (fee_version is null or fee_minor is not null);
drop trigger legal_facts on payments.payment_orders;
create trigger legal_facts before update on payments.payment_orders for each row
    when (old.amount_minor <> new.amount_minor or old.currency <> new.currency
        or old.payment_order_id <> new.payment_order_id or old.seller_account <> new.seller_account
        or (old.fee_minor is not null and (old.fee_minor <> new.fee_minor
            or old.fee_version is distinct from new.fee_version
            or old.fee_volume_minor is distinct from new.fee_volume_minor))
        or (old.ledger_updated and not new.ledger_updated)
        or (old.wallet_updated and not new.wallet_updated))
    execute function payments.refuse_status_change();

-- Plans from before, which stood by seller and currency, as one plan for each seller. The old table
-- is read no more and stays for workers that are still of the version before.
insert into payments.fee_versions (version_id, plan, currency, version, valid_from, basis_points,
    fixed_minor, set_at, set_by, reason)
select gen_random_uuid(), case seller_account when '' then 'everyone' else 'own ' || seller_account end,
    currency, row_number() over (partition by seller_account, currency order by effective_from),
    effective_from, basis_points, fixed_minor, now(), 'migration', 'was in payments.fee_plans'
from payments.fee_plans;
insert into payments.fee_assignments (assignment_id, seller_account, plan, valid_from, set_at, set_by,
    reason)
select gen_random_uuid(), seller_account,
    case seller_account when '' then 'everyone' else 'own ' || seller_account end,
    min(effective_from), now(), 'migration', 'was in payments.fee_plans'
from payments.fee_plans group by seller_account;
revoke insert on payments.fee_plans from clearhouse_app;

grant select, insert on payments.fee_versions, payments.fee_assignments to clearhouse_app;
grant select, insert, update, delete on payments.fee_volumes to clearhouse_app;
revoke all on function payments.fee_version_at, payments.is_ascending from public;
grant execute on function payments.fee_version_at, payments.is_ascending to clearhouse_app;
