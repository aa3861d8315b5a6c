-- What is done to a charge that exists: captures, voids and refunds.

create table payments.operations (
    operation_id uuid primary key,
    -- The client's own id of it, or one that we made of operation_id.
    public_id text collate "C" not null,
    order_id uuid not null,
    kind text not null check (kind in ('capture', 'void', 'refund', 'stray_refund')),
    origin text not null check (origin in ('client', 'engine', 'psp')),
    amount_minor bigint not null check (amount_minor > 0),
    -- The whole charge or authorization that it is a part of.
    charged_minor bigint not null check (charged_minor >= amount_minor),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- What the platform gives the seller back of its fee.
    fee_returned_minor bigint not null default 0 check (fee_returned_minor between 0 and amount_minor),
    psp text not null,
    charge_reference text not null,
    note text not null default '',
    -- CREATED → SUBMITTED (claim) → SUCCEEDED or FAILED (outcome); a refund that fails late goes
    -- from SUCCEEDED to FAILED. What the PSP told by itself may be settled before any claim.
    status text not null default 'CREATED'
        check (status in ('CREATED', 'SUBMITTED', 'SUCCEEDED', 'FAILED')),
    reason text,
    psp_reference text,
    -- Grows with each key: a new one exists only once the old one is proven to have done nothing.
    attempt int not null default 1 check (attempt >= 1),
    idempotency_key text,
    calls int not null default 0,
    detail text,
    -- When it was first sent at all, first with this key, and last so that it could take effect.
    submitted_at timestamptz,
    keyed_at timestamptz,
    called_at timestamptz,
    -- The number of events told of it; captures and voids are told by their order's.
    version int not null default 0 check (version >= 0),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finalized_at timestamptz,
    check ((status in ('SUCCEEDED', 'FAILED')) = (finalized_at is not null)),
    check (status <> 'FAILED' or reason is not null),
    check (status <> 'SUCCEEDED' or psp_reference is not null),
    check (kind in ('refund', 'stray_refund') = (version > 0)),
    check (kind = 'refund' or fee_returned_minor = 0)
) partition by range (operation_id);
create table payments.operations_default partition of payments.operations default;
create index operations_order on payments.operations (order_id);
create index operations_reference on payments.operations (psp_reference)
    where psp_reference is not null;

create function payments.refuse_operation_change() returns trigger language plpgsql as $$
begin
    raise exception 'illegal change of operation % from % to %',
        old.public_id, old.status, new.status using errcode = 'check_violation';
end
$$;
create trigger legal_status before update on payments.operations for each row
    when (old.status <> new.status and not (
        (old.status in ('CREATED', 'SUBMITTED') and new.status in ('SUBMITTED', 'SUCCEEDED', 'FAILED'))
        or (old.status = 'SUCCEEDED' and new.status = 'FAILED'
            and old.kind in ('refund', 'stray_refund'))))
    execute function payments.refuse_operation_change();
create trigger legal_facts before update on payments.operations for each row
    when (old.amount_minor <> new.amount_minor or old.currency <> new.currency
        or old.order_id <> new.order_id or old.kind <> new.kind
        or old.public_id <> new.public_id or old.fee_returned_minor <> new.fee_returned_minor
        or old.charge_reference <> new.charge_reference)
    execute function payments.refuse_operation_change();

-- Ids that clients choose are unique for ever, as those of orders are.
create table payments.operation_keys (
    public_id text collate "C" primary key,
    operation_id uuid not null
);

-- How an authorization is ended: by one capture or by one void, never by two. The row goes when
-- the operation fails.
create table payments.authorization_ends (
    order_id uuid primary key,
    operation_id uuid not null
);

-- Operations that an operator has to do something about; as payments.work, for the same reasons.
create table payments.operation_work (
    operation_id uuid primary key,
    psp text not null,
    next_at timestamptz not null default now(),
    fence bigint not null default 0,
    tries int not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index operation_work_due on payments.operation_work (psp, next_at);

grant select, insert, update on payments.operations to clearhouse_app;
grant select, insert on payments.operation_keys to clearhouse_app;
grant select, insert, update, delete on payments.operation_work to clearhouse_app;
grant select, insert, delete on payments.authorization_ends to clearhouse_app;
select clearhouse.ensure_partitions('payments.operations', current_date - 1, current_date + 14);

create index operations_stray on payments.operations (charge_reference)
    where kind = 'stray_refund';
