-- Disputes: what a buyer's bank asks back, as the PSP tells of it.

create table payments.disputes (
    dispute_id uuid primary key,
    public_id text collate "C" not null,
    order_id uuid not null,
    psp text not null,
    psp_reference text not null,
    -- What the PSP withdrew, or would.
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- The part that was not refunded already, and so counts against the order's ceiling; and the
    -- part of that which the seller bears. Both are set when the money is withdrawn.
    counted_minor bigint not null default 0 check (counted_minor between 0 and amount_minor),
    seller_minor bigint not null default 0 check (seller_minor between 0 and counted_minor),
    stage text not null check (stage in ('inquiry', 'inquiry_closed', 'needs_response',
        'under_review', 'won', 'lost', 'accepted', 'prevented')),
    money text not null check (money in ('none', 'held', 'returned', 'taken')),
    reason text not null,
    evidence_due_at timestamptz,
    opened_at timestamptz,
    -- How new the newest fact is: the PSP's own time and version.
    told_as_of timestamptz not null,
    told_version bigint,
    -- The number of events told of it, and which of them last said that money is held.
    version int not null check (version >= 1),
    opened_version int not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null
) partition by range (dispute_id);
create table payments.disputes_default partition of payments.disputes default;
create index disputes_order on payments.disputes (order_id);

create trigger legal_facts before update on payments.disputes for each row
    when (old.order_id <> new.order_id or old.currency <> new.currency
        or old.psp_reference <> new.psp_reference or old.version > new.version)
    execute function payments.refuse_operation_change();

-- One dispute for each of the PSP's; the public id tells dispute_id by itself.
create table payments.dispute_keys (
    psp text not null,
    psp_reference text collate "C" not null,
    dispute_id uuid not null,
    primary key (psp, psp_reference)
);

grant select, insert, update on payments.disputes to clearhouse_app;
grant select, insert on payments.dispute_keys to clearhouse_app;
select clearhouse.ensure_partitions('payments.disputes', current_date - 1, current_date + 14);
