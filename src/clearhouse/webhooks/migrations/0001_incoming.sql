-- Incoming webhooks: what PSPs told us, as it came, and what is still to be understood of it.

create schema if not exists webhooks;
grant usage on schema webhooks to clearhouse_app;

-- Each notification once, however often a PSP sends it; slim, and asked by the PSP's words.
create table webhooks.received_keys (
    psp text not null,
    key text collate "C" not null,
    received_id uuid not null,
    primary key (psp, key)
);

-- The raw bytes whose signature was found good.
create table webhooks.received (
    received_id uuid primary key,
    psp text not null,
    key text not null,
    kind text not null,
    body bytea not null,
    received_at timestamptz not null,
    -- waiting → handled, or parked until what it is about is there, or given_up: a person looks,
    -- or ignored: nothing of ours.
    state text not null default 'waiting'
        check (state in ('waiting', 'parked', 'handled', 'given_up', 'ignored')),
    detail text,
    handled_at timestamptz,
    check ((state in ('handled', 'given_up', 'ignored')) = (handled_at is not null))
) partition by range (received_id);
create table webhooks.received_default partition of webhooks.received default;

-- What is waiting or parked. next_at is "not before" and the end of the lease, as with orders.
create table webhooks.received_work (
    received_id uuid primary key,
    psp text not null,
    next_at timestamptz not null default now(),
    fence bigint not null default 0,
    tries int not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000);
create index received_work_due on webhooks.received_work (psp, next_at);

select clearhouse.create_inbox('webhooks');
grant select, insert on webhooks.received_keys to clearhouse_app;
grant select, insert, update on webhooks.received to clearhouse_app;
grant select, insert, update, delete on webhooks.received_work to clearhouse_app;

select clearhouse.ensure_partitions('webhooks.received', current_date - 1, current_date + 14);
