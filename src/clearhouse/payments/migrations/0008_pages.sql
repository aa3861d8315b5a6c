-- Payment pages: the buyer pays on a page of the PSP, or on ours with the PSP's fields in it. One
-- page takes one payment for all orders of its checkout.

create table payments.pages (
    page_id uuid primary key,
    event_id uuid not null,
    psp text not null,
    -- What the buyer's link ends in. It opens no more than the PSP's own address beside it does.
    token text not null check (length(token) >= 43),
    -- CREATED → OPEN (the page is there) → COMPLETED (paid) or EXPIRED (can never be paid).
    state text not null default 'CREATED'
        check (state in ('CREATED', 'OPEN', 'COMPLETED', 'EXPIRED')),
    psp_page_reference text collate "C",
    url text,
    total_minor bigint not null check (total_minor > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    -- Where the shop wants its buyer back: after paying, and after turning back.
    return_url text,
    cancel_url text,
    -- Cards that the buyer tried on a page of ours, and what the last one was declined for.
    attempt int not null default 0 check (attempt >= 0),
    declined_for text,
    charge_reference text,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check ((state = 'COMPLETED') = (charge_reference is not null)),
    check (state = 'CREATED' or state = 'EXPIRED' or psp_page_reference is not null)
) partition by range (page_id);
create table payments.pages_default partition of payments.pages default;
create index pages_event on payments.pages (event_id);
create index pages_reference on payments.pages (psp, psp_page_reference);

create function payments.refuse_page_change() returns trigger language plpgsql as $$
begin
    raise exception 'illegal change of payment page % from % to %',
        old.page_id, old.state, new.state using errcode = 'check_violation';
end
$$;
create trigger legal_state before update on payments.pages for each row
    when (old.state <> new.state and not (
        (old.state = 'CREATED' and new.state in ('OPEN', 'EXPIRED'))
        or (old.state = 'OPEN' and new.state in ('COMPLETED', 'EXPIRED'))))
    execute function payments.refuse_page_change();

-- Cards tried on a page of ours. The next may be tried only once the one before has definitely
-- been declined.
create table payments.page_attempts (
    page_id uuid not null,
    attempt int not null check (attempt >= 1),
    payment_method text not null,
    idempotency_key text not null,
    outcome text,
    detail text,
    started_at timestamptz not null,
    charged_at timestamptz,
    finished_at timestamptz,
    primary key (page_id, attempt)
) partition by range (page_id);
create table payments.page_attempts_default partition of payments.page_attempts default;

-- Pages that a worker has to ask about, as payments.work is for orders.
create table payments.page_work (
    page_id uuid primary key,
    psp text not null,
    next_at timestamptz not null default now(),
    fence bigint not null default 0,
    tries int not null default 0
);
create index page_work_due on payments.page_work (psp, next_at);

grant select, insert, update on payments.pages, payments.page_attempts to clearhouse_app;
grant select, insert, update, delete on payments.page_work to clearhouse_app;
select clearhouse.ensure_partitions(t::regclass, current_date - 1, current_date + 14)
from unnest(array['payments.pages', 'payments.page_attempts']) t;
