-- What people did by hand: who, when, what, to what, and why. It is written in the transaction of
-- the deed itself, and only ever grows.

create table access.audit_log (
    entry_id uuid primary key,
    occurred_at timestamptz not null,
    actor text not null check (length(actor) between 1 and 200),
    action text not null check (length(action) between 1 and 100),
    target text not null check (length(target) between 1 and 300),
    reason text not null check (length(reason) between 1 and 2000)
);
comment on column access.audit_log.actor is 'The operating system''s user, or the operator.';

create function access.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'check_violation';
end
$$;
create trigger append_only before update or delete on access.audit_log
    for each row execute function access.refuse_change();
create trigger never_emptied before truncate on access.audit_log
    for each statement execute function access.refuse_change();

grant select, insert on access.audit_log to clearhouse_app;
