-- Outgoing webhooks: whom to tell, what is to be told, and what came of it.

create table webhooks.endpoints (
    endpoint_id uuid primary key,
    url text not null check (length(url) between 1 and 2048),
    description text not null default '',
    -- Types or 'refund.*'; empty means every type.
    filters text[] not null default '{}',
    -- Only what concerns this seller; null means all.
    seller_account text,
    state text not null default 'enabled' check (state in ('enabled', 'disabled')),
    disabled_reason text,
    -- When it first failed after it last accepted something.
    failing_since timestamptz,
    -- How many messages there were about the endpoint itself.
    notices int not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Gone for merchants; its deliveries stay to be looked at.
    deleted_at timestamptz,
    check ((state = 'disabled') = (disabled_reason is not null)),
    check (deleted_at is null or state = 'disabled')
);
-- A request to add one that is repeated adds no second one.
create unique index endpoints_once on webhooks.endpoints (url, coalesce(seller_account, ''))
    where deleted_at is null;

-- What messages are signed with, sealed. Several at once while one replaces another.
create table webhooks.secrets (
    secret_id uuid primary key,
    endpoint_id uuid not null references webhooks.endpoints,
    sealed text not null,
    created_at timestamptz not null,
    -- Until when an old one still signs; null for the newest.
    expires_at timestamptz
);
create index secrets_endpoint on webhooks.secrets (endpoint_id);

-- One per message and endpoint. The key is the message's own, so no message is laid out twice.
create table webhooks.deliveries (
    aggregate_id uuid not null,
    version int not null check (version >= 1),
    endpoint_id uuid not null,
    type text not null,
    object_id text not null,
    payload text not null,
    -- waiting → delivered or failed; from both → waiting by a person who sends it again.
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
    tries int not null default 0,
    last_status int,
    last_error text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (aggregate_id, version, endpoint_id)
) partition by range (aggregate_id);
create table webhooks.deliveries_default partition of webhooks.deliveries default;
create index deliveries_endpoint on webhooks.deliveries
    (endpoint_id, created_at, aggregate_id, version);

-- Deliveries that a dispatcher has to do something about; next_at is "not before" and lease end.
create table webhooks.dispatches (
    aggregate_id uuid not null,
    version int not null,
    endpoint_id uuid not null,
    next_at timestamptz not null default now(),
    -- A delivery that is sent again later has a larger one than ever before.
    fence bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
    tries int not null default 0,
    primary key (endpoint_id, aggregate_id, version)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000);
create index dispatches_due on webhooks.dispatches (endpoint_id, next_at);

create table webhooks.delivery_tries (
    aggregate_id uuid not null,
    version int not null,
    endpoint_id uuid not null,
    try int not null,
    tried_at timestamptz not null,
    status int,
    error text not null,
    milliseconds int not null,
    primary key (aggregate_id, version, endpoint_id, try)
) partition by range (aggregate_id);
create table webhooks.delivery_tries_default partition of webhooks.delivery_tries default;

grant select, insert, update on webhooks.endpoints to clearhouse_app;
grant select, insert, update, delete on webhooks.secrets, webhooks.dispatches to clearhouse_app;
-- Deleted once they are old: a log for people, no book.
grant select, insert, update, delete on webhooks.deliveries to clearhouse_app;
grant select, insert, delete on webhooks.delivery_tries to clearhouse_app;

select clearhouse.ensure_partitions(t::regclass, current_date - 1, current_date + 14)
from unnest(array['webhooks.deliveries', 'webhooks.delivery_tries']) t;
