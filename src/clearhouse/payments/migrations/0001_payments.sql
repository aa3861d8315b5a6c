-- Payments: what buyers were asked to pay, and what became of it.
--
-- What grows is partitioned by time through its UUIDv7, so that old partitions can be detached.
-- Ids that clients choose (checkout_id, payment_order_id) are unique for ever in slim registries
-- of their own, since a unique index on a partitioned table must contain the partition key.

create schema payments;
grant usage on schema payments to clearhouse_app;

create table payments.payment_events (
    event_id uuid primary key,
    checkout_id text not null,
    api_key_id uuid not null,
    psp text not null,
    -- The PSP's token or nonce. Never a card number: the API refuses those.
    payment_method text not null,
    buyer_info text not null,
    -- Orders that are not final and booked yet; 0 means is_payment_done.
    open_orders int not null check (open_orders >= 0),
    is_payment_done boolean generated always as (open_orders = 0) stored,
    version int not null default 1,
    created_at timestamptz not null,
    done_at timestamptz,
    check ((open_orders = 0) = (done_at is not null))
) partition by range (event_id);
create table payments.payment_events_default partition of payments.payment_events default;

create table payments.payment_orders (
    order_id uuid primary key,
    payment_order_id text not null,
    event_id uuid not null,
    checkout_id text not null,
    seller_account text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    psp text not null,
    -- NOT_STARTED → EXECUTING (claim) → SUCCESS or FAILED (outcome); see trigger below.
    status text not null default 'NOT_STARTED'
        check (status in ('NOT_STARTED', 'EXECUTING', 'SUCCESS', 'FAILED')),
    status_reason text,
    failure_code text,
    attempt int not null default 0 check (attempt >= 0),
    psp_reference text,
    fee_minor bigint check (fee_minor between 0 and amount_minor),
    ledger_updated boolean not null default false,
    wallet_updated boolean not null default false,
    version int not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finalized_at timestamptz,
    check ((status in ('SUCCESS', 'FAILED')) = (finalized_at is not null)),
    check ((status = 'SUCCESS') = (fee_minor is not null)),
    check (status <> 'SUCCESS' or psp_reference is not null),
    check ((status = 'FAILED') = (failure_code is not null)),
    check ((status = 'NOT_STARTED') = (attempt = 0)),
    check (status = 'SUCCESS' or not (ledger_updated or wallet_updated))
) partition by range (order_id);
create table payments.payment_orders_default partition of payments.payment_orders default;
create index payment_orders_event on payments.payment_orders (event_id);
create index payment_orders_seller on payments.payment_orders (seller_account, order_id);

-- Legal status changes only. The WHEN clause costs next to nothing; the function runs for
-- illegal changes alone, so the hot path never enters it.
create function payments.refuse_status_change() returns trigger language plpgsql as $$
begin
    raise exception 'illegal change of payment order % from % to %',
        old.payment_order_id, old.status, new.status using errcode = 'check_violation';
end
$$;
create trigger legal_status before update on payments.payment_orders for each row
    when (old.status <> new.status and not (
        (old.status = 'NOT_STARTED' and new.status = 'EXECUTING')
        or (old.status = 'EXECUTING' and new.status in ('SUCCESS', 'FAILED'))))
    execute function payments.refuse_status_change();
create trigger legal_facts before update on payments.payment_orders for each row
    when (old.amount_minor <> new.amount_minor or old.currency <> new.currency
        or old.payment_order_id <> new.payment_order_id or old.seller_account <> new.seller_account
        or (old.fee_minor is not null and old.fee_minor <> new.fee_minor)
        or (old.ledger_updated and not new.ledger_updated)
        or (old.wallet_updated and not new.wallet_updated))
    execute function payments.refuse_status_change();

create table payments.checkout_keys (
    checkout_id text collate "C" primary key,
    event_id uuid not null
);
create table payments.order_keys (
    payment_order_id text collate "C" primary key,
    order_id uuid not null
);

-- The stored answers of idempotent requests, written with the payment itself.
create table payments.idempotency_keys (
    api_key_id uuid not null,
    idempotency_key text collate "C" not null,
    body_hash bytea not null check (octet_length(body_hash) = 32),
    answer bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (api_key_id, idempotency_key)
);
create index idempotency_keys_expiry on payments.idempotency_keys using brin (expires_at);

-- Orders that an executor has to do something about. next_at is both "not before" and the end
-- of the lease: claiming moves it on, so an executor that died simply lets it pass.
create table payments.work (
    order_id uuid primary key,
    psp text not null,
    next_at timestamptz not null default now(),
    -- Grows with each claim; who holds an older one cannot write.
    fence bigint not null default 0,
    -- Calls since the last answer that said something.
    tries int not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000);
create index work_due on payments.work (psp, next_at);

create table payments.attempts (
    order_id uuid not null,
    attempt int not null check (attempt >= 1),
    psp text not null,
    idempotency_key text not null,
    calls int not null default 0,
    -- The last outcome in one word, and a line for people.
    outcome text,
    detail text,
    started_at timestamptz not null,
    -- When a call that could charge was last claimed; look-ups leave it alone.
    charged_at timestamptz not null,
    finished_at timestamptz,
    primary key (order_id, attempt)
) partition by range (order_id);
create table payments.attempts_default partition of payments.attempts default;

-- The platform's fee per seller, effective-dated; seller_account '' is everybody's default.
create table payments.fee_plans (
    seller_account text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$' or currency = ''),
    basis_points int not null check (basis_points between 0 and 10000),
    fixed_minor bigint not null check (fixed_minor >= 0),
    effective_from timestamptz not null,
    primary key (seller_account, currency, effective_from)
);

select clearhouse.create_outbox('payments');
select clearhouse.create_inbox('payments');
grant select, insert, update on
    payments.payment_events, payments.payment_orders, payments.attempts to clearhouse_app;
grant select, insert on payments.checkout_keys, payments.order_keys to clearhouse_app;
grant select, insert, update, delete on payments.work, payments.idempotency_keys to clearhouse_app;
grant select, insert on payments.fee_plans to clearhouse_app;

-- After the grants: whether a table is updated decides how full its pages are made.
select clearhouse.ensure_partitions(t::regclass, current_date - 1, current_date + 14)
from unnest(array['payments.payment_events', 'payments.payment_orders', 'payments.attempts']) t;
