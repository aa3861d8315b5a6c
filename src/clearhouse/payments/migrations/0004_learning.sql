-- What is needed to learn about orders from all sides, and to be patient within the rules.

alter table payments.payment_orders
    -- Soft declines so far, and the failure code of the last one.
    add column declines int not null default 0 check (declines >= 0),
    add column soft_decline text;

-- Where the PSP sends the buyer back to after a challenge.
alter table payments.payment_events add column return_url text;

-- Which order a PSP's charge stands for: how webhooks, refunds and disputes find their order. A
-- charge may stand for several orders of one checkout. Insert-only, slim, and not partitioned,
-- since it is asked by the PSP's words, which know no time.
create table payments.charge_keys (
    psp text not null,
    psp_reference text collate "C" not null,
    order_id uuid not null,
    attempt int not null,
    primary key (psp, psp_reference, order_id)
);
insert into payments.charge_keys (psp, psp_reference, order_id, attempt)
select psp, psp_reference, order_id, attempt from payments.payment_orders
where psp_reference is not null;

-- Declined attempts by payment method, as the card networks count them. Only a hash is kept.
create table payments.declined_methods (
    order_id uuid not null,
    attempt int not null,
    method_hash bytea not null check (octet_length(method_hash) = 32),
    declined_at timestamptz not null,
    primary key (order_id, attempt)
);
create index declined_methods_count on payments.declined_methods (method_hash, declined_at);

grant select, insert on payments.charge_keys to clearhouse_app;
grant select, insert, delete on payments.declined_methods to clearhouse_app;
