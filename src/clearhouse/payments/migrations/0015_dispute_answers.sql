-- Answers to disputes, and the work of asking PSPs about disputes that are open.

create table payments.dispute_answers (
    answer_id uuid primary key,
    dispute_id uuid not null,
    -- Which of the dispute's versions it answers: one that the bank opens again is answered anew.
    dispute_version int not null,
    kind text not null check (kind in ('evidence', 'acceptance')),
    body text not null,
    fields jsonb not null default '{}',
    status text not null check (status in ('CREATED', 'SUBMITTED', 'SUCCEEDED', 'FAILED')),
    reason text,
    detail text,
    tries int not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finalized_at timestamptz,
    check ((status in ('SUCCEEDED', 'FAILED')) = (finalized_at is not null)),
    check (status <> 'FAILED' or reason is not null),
    check (kind = 'evidence' or (body = '' and fields = '{}'))
) partition by range (answer_id);
create table payments.dispute_answers_default partition of payments.dispute_answers default;
create index dispute_answers_dispute on payments.dispute_answers (dispute_id);

create function payments.refuse_answer_change() returns trigger language plpgsql as $$
begin
    raise exception 'illegal change of answer % from % to %',
        old.answer_id, old.status, new.status using errcode = 'check_violation';
end
$$;
create trigger legal_answer before update on payments.dispute_answers for each row
    when (old.dispute_id <> new.dispute_id or old.kind <> new.kind or old.body <> new.body
        or old.fields <> new.fields or (old.status <> new.status
            and not (old.status in ('CREATED', 'SUBMITTED') and new.status <> 'CREATED')))
    execute function payments.refuse_answer_change();

-- A dispute is answered once, unless the answer failed or the bank opened it again.
create table payments.standing_answers (
    dispute_id uuid not null,
    dispute_version int not null,
    answer_id uuid not null,
    primary key (dispute_id, dispute_version)
);

-- Disputes whose PSP has to be answered or asked; as payments.work, for the same reasons.
create table payments.dispute_work (
    dispute_id uuid primary key,
    psp text not null,
    next_at timestamptz not null default now(),
    fence bigint not null default 0,
    tries int not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index dispute_work_due on payments.dispute_work (psp, next_at);
insert into payments.dispute_work (dispute_id, psp)
select dispute_id, psp from payments.disputes
where stage in ('inquiry', 'needs_response', 'under_review');

grant select, insert, update on payments.dispute_answers to clearhouse_app;
grant select, insert, delete on payments.standing_answers to clearhouse_app;
grant select, insert, update, delete on payments.dispute_work to clearhouse_app;
select clearhouse.ensure_partitions('payments.dispute_answers', current_date - 1, current_date + 14);
