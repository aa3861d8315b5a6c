-- Several PSPs that can take one payment: the buyer's card was tokenized at each of them.

create table payments.alternatives (
    event_id uuid not null,
    psp text not null,
    -- That PSP's token or nonce; one PSP's can never be charged at another.
    payment_method text not null,
    primary key (event_id, psp)
) partition by range (event_id);
create table payments.alternatives_default partition of payments.alternatives default;
select clearhouse.ensure_partitions('payments.alternatives', current_date - 1, current_date + 14);
grant select, insert on payments.alternatives to clearhouse_app;

-- The PSPs still to be tried after the present one, in order; null where there never was a choice.
-- And why they stand in that order.
alter table payments.payment_orders
    add column route text[] check (cardinality(route) <= 4),
    add column routed_by text;

-- A PSP is left only when every call to it was answered: as many answers as calls.
alter table payments.attempts add column answers int not null default 0 check (answers >= 0);

-- Never two attempts of an order at once: the next one is begun when the last is proven over.
create unique index attempts_one_at_a_time on payments.attempts (order_id)
    where finished_at is null;
