-- When what a seller has earned may be paid out, and what stops it.

-- A seller's own terms from a moment on; what is null is the platform's. A row without a currency
-- is for all that have none of their own. The newest row by valid_from counts, whole.
create table wallets.terms (
    terms_id uuid primary key,
    seller_account text collate "C" not null check (seller_account <> ''),
    currency text collate "C" check (length(currency) = 3),
    valid_from timestamptz not null,
    matures text check (matures in ('after_delay', 'when_settled')),
    delay_seconds bigint check (delay_seconds between 0 and 315360000),
    set_at timestamptz not null,
    set_by text not null check (set_by <> ''),
    reason text not null check (reason <> '')
);
create index terms_of on wallets.terms (seller_account, valid_from, terms_id);
create trigger append_only before update or delete on wallets.terms
    for each row execute function wallets.refuse_change();
create trigger append_only_whole before truncate on wallets.terms
    for each statement execute function wallets.refuse_change();
grant select, insert on wallets.terms to clearhouse_app;

-- What is known of each sale that decides when it matures: from payments by the sale, from
-- reconciliation by its settlement, whichever comes first. Its amounts stand in the movements.
create table wallets.sales (
    sale_id uuid primary key,
    reference text not null,
    seller_account text collate "C" not null,
    currency text collate "C" not null check (length(currency) = 3),
    -- Null while only the settlement is known.
    share_minor bigint check (share_minor >= 0),
    sold_at timestamptz,
    -- By the seller's terms at the time of the sale; delay_seconds is null where it is not waited
    -- for.
    matures text check (matures in ('after_delay', 'when_settled')),
    settled_at timestamptz,
    settled_version int not null default 0,
    psp_fee_minor bigint not null default 0,
    -- Null while nobody knows: it waits for its settlement.
    due_at timestamptz,
    matured_at timestamptz,
    constraint told_whole check (num_nonnulls(share_minor, sold_at, matures) in (0, 3)),
    constraint known_when_due check (due_at is null or sold_at is not null),
    constraint due_before_it_matured check (matured_at is null or due_at <= matured_at)
) partition by range (sale_id);
-- The next that matures; both ends of the order are read by it.
create index sales_due on wallets.sales (due_at) where matured_at is null;
-- What a seller waits for.
create index sales_waiting on wallets.sales (seller_account, currency, due_at) where matured_at is null;
grant select, insert, update on wallets.sales to clearhouse_app;
create table wallets.sales_default partition of wallets.sales default;
select clearhouse.ensure_partitions('wallets.sales', current_date - 1, current_date + 14);

-- Sales from before: they mature seven days after they were made, which is what the settings say
-- where nobody says anything else.
insert into wallets.sales
    (sale_id, reference, seller_account, currency, share_minor, sold_at, matures, due_at)
select m.source_id, m.reference, w.seller_account, w.currency, m.pending_minor, m.event_at,
    'after_delay', m.event_at + interval '7 days'
from wallets.movements m join wallets.wallets w using (wallet_id)
where m.kind = 'sale';

-- What stops a seller's payouts: one row per hold, released once.
create table wallets.holds (
    hold_id uuid primary key,
    seller_account text collate "C" not null check (seller_account <> ''),
    -- Null: in all currencies.
    currency text collate "C" check (length(currency) = 3),
    kind text not null check (kind in ('person', 'dispute', 'bank_details')),
    -- What it is about, such as a dispute's id: one open hold per kind and subject.
    subject text not null default '',
    reason text not null check (length(reason) between 1 and 500),
    placed_by text not null check (placed_by <> ''),
    since timestamptz not null,
    -- Ends by itself then; null: only when it is released.
    until timestamptz check (until > since),
    released_at timestamptz,
    released_by text,
    release_reason text,
    constraint released_whole check (num_nonnulls(released_at, released_by, release_reason) in (0, 3)),
    constraint released_after_it_began check (released_at >= since)
);
create index holds_open on wallets.holds (seller_account) where released_at is null;
create index holds_of on wallets.holds (seller_account, hold_id);
create unique index holds_once on wallets.holds (kind, subject) where released_at is null and subject <> '';
grant select, insert on wallets.holds to clearhouse_app;
grant update (released_at, released_by, release_reason) on wallets.holds to clearhouse_app;

-- wallets.split with maturing. A movement of kind 'matured' moves what its sale still has pending to
-- available. After it, what is undone is given back to available: the sale has nothing pending any
-- more, and never again.
create or replace function wallets.split(
    fresh boolean[], kinds text[], sources uuid[], inout pending bigint[], inout available bigint[],
    sales uuid[], takes bigint[], undoes text[]
) language plpgsql set search_path = pg_catalog, pg_temp
    as $$
declare
    stored jsonb;
    left_of jsonb;
    matured uuid[];
    part bigint;
    earlier int;
begin
    select coalesce(jsonb_object_agg(sale, minor), '{}') into left_of
    from (
        select sale, coalesce(sum(minor), 0)::bigint as minor
        from (
            select m.source_id as sale, m.pending_minor as minor from wallets.movements m
            where m.source_id = any (sales) and m.kind = 'sale'
            union all
            select m.sale_id, m.pending_minor from wallets.movements m where m.sale_id = any (sales)
        ) s
        group by sale
    ) t;
    select coalesce(array_agg(m.source_id), '{}') into matured
    from wallets.movements m where m.source_id = any (sales) and m.kind = 'matured';
    select coalesce(jsonb_object_agg(w.n, jsonb_build_array(m.pending_minor, m.available_minor)), '{}')
    into stored
    from unnest(sources, undoes) with ordinality w (source, kind, n)
    join wallets.movements m on m.source_id = w.source and m.kind = w.kind;

    for n in 1 .. cardinality(sales) loop
        continue when not fresh[n];
        if sales[n] is null then
            -- A sale of this very batch.
            if kinds[n] = 'sale' then
                left_of := left_of || jsonb_build_object(sources[n], pending[n]);
            end if;
            continue;
        end if;
        if undoes[n] is not null then
            earlier := null;
            for e in 1 .. n - 1 loop
                if fresh[e] and sources[e] = sources[n] and kinds[e] = undoes[n] then
                    earlier := e;
                end if;
            end loop;
            if earlier is not null then
                pending[n] := -pending[earlier];
                available[n] := -available[earlier];
            elsif stored ? n::text then
                pending[n] := -(stored -> n::text ->> 0)::bigint;
                available[n] := -(stored -> n::text ->> 1)::bigint;
            else
                raise exception 'movement % of % undoes one that was never made', kinds[n], sources[n]
                    using errcode = 'check_violation';
            end if;
            if sales[n] = any (matured) then
                available[n] := available[n] + pending[n];
                pending[n] := 0;
            end if;
        elsif takes[n] is not null then
            part := least(takes[n], greatest(coalesce((left_of ->> sales[n]::text)::bigint, 0), 0));
            pending[n] := -part;
            available[n] := part - takes[n];
        elsif kinds[n] = 'matured' then
            part := coalesce((left_of ->> sales[n]::text)::bigint, 0);
            pending[n] := -part;
            available[n] := part;
            matured := matured || sales[n];
        end if;
        left_of := left_of || jsonb_build_object(
            sales[n], coalesce((left_of ->> sales[n]::text)::bigint, 0) + pending[n]);
    end loop;
end
$$;
