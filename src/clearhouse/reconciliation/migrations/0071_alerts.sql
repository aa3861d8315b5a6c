-- What was told of as too much or too old, so that it is told once for a day and cause.
create table reconciliation.alerts (
    day date not null,
    kind text not null check (kind in ('unmatched_value', 'age')),
    psp text not null,
    cause text not null,
    currency text not null,
    alert_id uuid not null unique,
    told_at timestamptz not null,
    primary key (day, kind, psp, cause, currency)
);
grant select, insert on reconciliation.alerts to clearhouse_app;
