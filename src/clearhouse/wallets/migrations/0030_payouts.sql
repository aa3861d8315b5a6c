-- Payouts: what sellers are paid out of their wallets, where to, and when.

-- A payout takes no more than is available, whatever a program believed a moment before.
alter table wallets.movements add constraint a_payout_is_covered
    check (kind <> 'payout' or available_after >= 0);

create table wallets.payouts (
    payout_id uuid primary key,
    seller_account text collate "C" not null,
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint not null check (amount_minor > 0),
    status text not null check (status in
        ('created', 'approved', 'submitted', 'paid', 'failed', 'returned', 'cancelled')),
    -- While it is submitted, what is known of it; after it came back, why.
    reason text,
    -- The last words of the bank or PSP, or of who cancelled it; for people.
    detail text not null default '',
    -- The schedule's period that it pays; null for one that somebody asked for.
    period text collate "C",
    note text not null default '',
    needs_approval boolean not null,
    created_by text not null,
    approved_by text,
    -- Its identity at the rail, together with payout_id; fixed with the first submission.
    batch_id uuid,
    rail text,
    details_id uuid,
    -- The bank's or PSP's own name of it.
    reference text,
    -- The number of events told of it.
    version int not null check (version >= 1),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    approved_at timestamptz,
    submitted_at timestamptz,
    -- When it left, as the rail says; stays when it came back later.
    paid_at timestamptz,
    finalized_at timestamptz,
    constraint four_eyes check (approved_by is null or approved_by <> created_by),
    constraint approved_first check (not needs_approval
        or status in ('created', 'cancelled') or approved_by is not null),
    constraint sent_in_a_batch check ((status in ('submitted', 'paid', 'failed', 'returned'))
        = (batch_id is not null and rail is not null and details_id is not null)),
    constraint has_its_reason check (
        (status in ('submitted', 'failed', 'returned')) = (reason is not null)),
    constraint final_at check ((status in ('paid', 'failed', 'returned', 'cancelled'))
        = (finalized_at is not null))
) partition by range (payout_id);
create table wallets.payouts_default partition of wallets.payouts default;
create index payouts_seller on wallets.payouts (seller_account, payout_id);
create index payouts_batch on wallets.payouts (batch_id) where batch_id is not null;

create function wallets.refuse_payout_change() returns trigger language plpgsql as $$
begin
    raise exception 'illegal change of payout % from % to %', old.payout_id, old.status, new.status
        using errcode = 'check_violation';
end
$$;
create trigger legal_status before update on wallets.payouts for each row
    when (old.status <> new.status and not (
        (old.status = 'created' and new.status in ('approved', 'cancelled'))
        or (old.status = 'approved' and new.status in ('submitted', 'cancelled'))
        or (old.status = 'submitted' and new.status in ('paid', 'failed', 'returned'))
        or (old.status = 'paid' and new.status in ('failed', 'returned'))
        or (old.status = 'failed' and new.status = 'returned')))
    execute function wallets.refuse_payout_change();
create trigger legal_facts before update on wallets.payouts for each row
    when (old.seller_account <> new.seller_account or old.currency <> new.currency
        or old.amount_minor <> new.amount_minor or old.created_by <> new.created_by
        or old.needs_approval <> new.needs_approval
        or (old.approved_by is not null and old.approved_by is distinct from new.approved_by)
        or (old.batch_id is not null and (old.batch_id, old.rail, old.details_id)
            is distinct from (new.batch_id, new.rail, new.details_id)))
    execute function wallets.refuse_payout_change();

-- Payouts that may be sent and are in no batch yet.
create table wallets.payouts_waiting (
    payout_id uuid primary key,
    seller_account text collate "C" not null,
    currency text collate "C" not null
);

-- What is sent together, under one identity for ever: nothing of it is changed, and its members
-- are the payouts that name it.
create sequence wallets.payout_batch_numbers;
create table wallets.payout_batches (
    batch_id uuid primary key,
    -- For people, who count files.
    number bigint not null default nextval('wallets.payout_batch_numbers'),
    rail text not null,
    currency text not null,
    payouts int not null check (payouts > 0),
    total_minor bigint not null check (total_minor > 0),
    statement_text text not null,
    execution_date date not null,
    created_at timestamptz not null
) partition by range (batch_id);
create table wallets.payout_batches_default partition of wallets.payout_batches default;
create trigger append_only before update or delete on wallets.payout_batches
    for each row execute function wallets.refuse_change();

-- Batches that a worker has to ask about; next_at is both "not before" and the end of the lease.
create table wallets.payout_batch_work (
    batch_id uuid primary key,
    rail text not null,
    next_at timestamptz not null default now(),
    -- Grows with each claim; who holds an older one cannot write.
    fence bigint not null default 0,
    -- Calls since the last answer that said something.
    tries int not null default 0,
    last_call text check (last_call in ('submit', 'inquire'))
);
create index payout_batch_work_due on wallets.payout_batch_work (rail, next_at);

-- Up to where a rail's news are stored.
create table wallets.rail_news (
    rail text primary key,
    cursor text,
    next_at timestamptz not null default now(),
    fence bigint not null default 0
);

-- Where sellers are paid, as they said it at one time; nothing of it is changed, so that a payout
-- can always say where it went. The account is sealed for this row.
create table wallets.bank_details (
    details_id uuid primary key,
    seller_account text collate "C" not null,
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    kind text not null check (kind in ('iban', 'us_account', 'stripe')),
    rail text not null,
    sealed text not null,
    last_four text not null check (length(last_four) between 1 and 4),
    created_by text not null,
    created_at timestamptz not null
);
create index bank_details_seller on wallets.bank_details (seller_account, currency, details_id);
create trigger append_only before update or delete on wallets.bank_details
    for each row execute function wallets.refuse_change();

-- The details that hold now; nothing is paid to them before usable_from.
create table wallets.recipients (
    seller_account text collate "C" not null,
    currency text collate "C" not null,
    details_id uuid not null references wallets.bank_details,
    rail text not null,
    usable_from timestamptz not null,
    primary key (seller_account, currency)
);

-- What a bank says should stand in the details next time, sealed for this row.
create table wallets.bank_corrections (
    payout_id uuid primary key,
    details_id uuid not null,
    code text not null,
    sealed text not null,
    told_at timestamptz not null
);
create index bank_corrections_details on wallets.bank_corrections (details_id);

create table wallets.payout_schedules (
    seller_account text collate "C" not null,
    currency text collate "C" not null check (currency ~ '^[A-Z]{3}$'),
    rhythm text not null check (rhythm in ('daily', 'weekly', 'monthly', 'threshold')),
    time_zone text not null,
    weekday int check (weekday between 0 and 6),
    month_day int check (month_day between 1 and 31),
    threshold_minor bigint check (threshold_minor >= 1),
    at_time time not null,
    is_paused boolean not null,
    -- Each period is paid once: it only grows, and a payout is created with its growing.
    last_period text collate "C",
    next_due_at timestamptz not null,
    updated_by text not null,
    updated_at timestamptz not null,
    primary key (seller_account, currency),
    check ((weekday is not null) = (rhythm = 'weekly')),
    check ((month_day is not null) = (rhythm = 'monthly')),
    check ((threshold_minor is not null) = (rhythm = 'threshold'))
) with (fillfactor = 70);
create index payout_schedules_due on wallets.payout_schedules (next_due_at) where not is_paused;

create function wallets.refuse_period() returns trigger language plpgsql as $$
begin
    raise exception 'the period % of % in % was paid already', old.last_period, old.seller_account,
        old.currency using errcode = 'check_violation';
end
$$;
create trigger periods_only_grow before update on wallets.payout_schedules for each row
    when (old.last_period is not null
        and (new.last_period is null or new.last_period < old.last_period))
    execute function wallets.refuse_period();

-- The stored answers of requests for payouts, written with the payout itself.
create table wallets.idempotency_keys (
    api_key_id uuid not null,
    idempotency_key text collate "C" not null,
    body_hash bytea not null check (octet_length(body_hash) = 32),
    answer bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (api_key_id, idempotency_key)
);
create index idempotency_keys_expiry on wallets.idempotency_keys using brin (expires_at);

revoke all on function wallets.refuse_payout_change, wallets.refuse_period from public;
grant select, insert, update on wallets.payouts, wallets.rail_news, wallets.recipients,
    wallets.payout_schedules to clearhouse_app;
grant select, insert, delete on wallets.payouts_waiting, wallets.idempotency_keys to clearhouse_app;
grant select, insert, update, delete on wallets.payout_batch_work to clearhouse_app;
grant select, insert on wallets.payout_batches, wallets.bank_details, wallets.bank_corrections
    to clearhouse_app;
grant usage on sequence wallets.payout_batch_numbers to clearhouse_app;

-- Locks the wallets whose money payouts are decided about, in the order in which wallets.move does,
-- and says what is available. One that does not exist has no row.
create function wallets.lock_available(in_sellers text[], in_currencies text[])
    returns table (seller_account text, currency text, available_minor bigint)
    language sql security definer set search_path = pg_catalog, pg_temp
    as $$
        select w.seller_account, w.currency, w.available_minor
        from unnest(in_sellers, in_currencies) g (seller, currency)
        join wallets.wallets w on w.seller_account = g.seller and w.currency = g.currency
        order by w.seller_account, w.currency
        for no key update of w
    $$;
revoke all on function wallets.lock_available from public;
grant execute on function wallets.lock_available to clearhouse_app;

-- After the grants: whether a table is updated decides how full its pages are made.
select clearhouse.ensure_partitions(t::regclass, current_date - 1, current_date + 14)
from unnest(array['wallets.payouts', 'wallets.payout_batches']) t;
