-- How far each PSP's list of disputes was read: what no webhook told of is found there. The fence
-- keeps two readers apart, as in payments.work.
create table payments.dispute_sweeps (
    psp text primary key,
    swept_to timestamptz not null,
    next_at timestamptz not null default now(),
    fence bigint not null default 0
);
grant select, insert, update on payments.dispute_sweeps to clearhouse_app;
