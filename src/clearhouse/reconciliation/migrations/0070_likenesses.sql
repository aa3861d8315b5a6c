-- Orders that a charge of nobody looks like: made anew whenever its day is compared.
create table reconciliation.likenesses (
    break_id uuid not null references reconciliation.breaks,
    order_id uuid not null,
    payment_order_id text not null,
    status text not null,
    confidence int not null check (confidence between 1 and 100),
    seconds_apart bigint not null check (seconds_apart >= 0),
    tail text not null check (tail in ('same', 'unknown')),
    found_at timestamptz not null,
    primary key (break_id, order_id)
);
grant select, insert, delete on reconciliation.likenesses to clearhouse_app;
