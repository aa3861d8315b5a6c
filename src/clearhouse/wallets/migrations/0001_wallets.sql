-- The wallets' own schema: what each seller is owed, kept per currency, and every movement of it.

create schema wallets;
grant usage on schema wallets to clearhouse_app;

create table wallets.wallets (
    wallet_id bigint generated always as identity primary key,
    seller_account text collate "C" not null,
    currency text collate "C" not null check (length(currency) = 3),
    -- Earned, but not settled by the PSP yet.
    pending_minor bigint not null default 0 check (pending_minor >= 0),
    -- May be paid out.
    available_minor bigint not null default 0 check (available_minor >= 0),
    -- Kept back against refunds and disputes.
    reserved_minor bigint not null default 0 check (reserved_minor >= 0),
    movement_count bigint not null default 0,
    -- Never goes back, so that the movements of a wallet are in the order of recorded_at.
    last_recorded_at timestamptz not null default '-infinity',
    created_at timestamptz not null default now(),
    unique (seller_account, currency)
) with (fillfactor = 50);

-- Partitioned by the time in source_id, the UUIDv7 of what moves the wallet, so that "one movement
-- of a kind per source" is unique over all partitions: the wall against crediting twice.
create table wallets.movements (
    movement_id uuid not null,
    kind text not null check (kind <> ''),
    source_id uuid not null,
    reference text not null,
    wallet_id bigint not null,
    -- The how-manieth movement of its wallet this is: gapless, given under the wallet's lock.
    sequence bigint not null,
    pending_minor bigint not null,
    available_minor bigint not null,
    reserved_minor bigint not null,
    pending_after bigint not null,
    available_after bigint not null,
    reserved_after bigint not null,
    -- When it happened, and when the wallet learnt it.
    event_at timestamptz not null,
    recorded_at timestamptz not null,
    primary key (source_id, kind),
    constraint nothing_below_zero check (
        pending_after >= 0 and available_after >= 0 and reserved_after >= 0),
    constraint learnt_after_it_happened check (recorded_at >= event_at)
) partition by range (source_id);
create index movements_wallet on wallets.movements (wallet_id, recorded_at);

create function wallets.refuse_change() returns trigger
    language plpgsql
    as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'Add a movement that reverses the wrong one.';
end
$$;

create trigger append_only before update or delete on wallets.movements
    for each row execute function wallets.refuse_change();
create trigger append_only_whole before truncate on wallets.movements
    for each statement execute function wallets.refuse_change();
create trigger append_only before delete on wallets.wallets
    for each row execute function wallets.refuse_change();
create trigger append_only_whole before truncate on wallets.wallets
    for each statement execute function wallets.refuse_change();

create table wallets.movements_default partition of wallets.movements default;
select clearhouse.ensure_partitions('wallets.movements', current_date - 1, current_date + 14);

-- A sum that stays bigint (sum() would pass through numeric), and refuses to overflow.
create aggregate wallets.total (bigint) (sfunc = int8pl, stype = bigint, initcond = '0');

-- Moves wallets by a batch in a constant number of statements. Arguments are columns: wallets
-- (each once, in byte order of seller and currency), and movements that name their wallet by
-- place, from 1. Wallets are made while no lock is held, then locked in sorted order. Returns a
-- row for each movement that was made before, under the id returned. A movement that would take
-- a balance below zero violates a constraint and ends the batch.
create function wallets.move(
    in_recorded_at timestamptz,
    wallet_sellers text[], wallet_currencies text[],
    movement_ids uuid[], movement_kinds text[], movement_sources uuid[],
    movement_references text[], movement_times timestamptz[], movement_wallets int[],
    movement_pending bigint[], movement_available bigint[], movement_reserved bigint[]
) returns table (movement int, stored_id uuid)
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    sellers text[];
    currencies text[];
    ids bigint[];
    pendings bigint[];
    availables bigint[];
    reserveds bigint[];
    counts bigint[];
    moment timestamptz;
    made boolean := false;
    fresh boolean[];
begin
    loop
        begin
            with locked as materialized (
                select w.* from unnest(wallet_sellers, wallet_currencies) g (seller, currency)
                join wallets.wallets w
                    on w.seller_account = g.seller and w.currency = g.currency
                order by w.seller_account, w.currency for no key update of w
            ), placed as (
                select *, row_number() over (order by seller_account, currency) as n from locked
            )
            select array_agg(seller_account order by n), array_agg(currency order by n),
                array_agg(wallet_id order by n), array_agg(pending_minor order by n),
                array_agg(available_minor order by n), array_agg(reserved_minor order by n),
                array_agg(movement_count order by n),
                greatest(in_recorded_at, max(last_recorded_at))
            into sellers, currencies, ids, pendings, availables, reserveds, counts, moment
            from placed;

            exit when sellers = wallet_sellers and currencies = wallet_currencies;
            if made then
                raise exception 'wallets must be given once each, in byte order'
                    using errcode = 'invalid_parameter_value';
            end if;
            raise exception 'a wallet is missing' using errcode = 'CLW01';
        exception when sqlstate 'CLW01' then
            insert into wallets.wallets (seller_account, currency)
                select g.seller, g.currency
                from unnest(wallet_sellers, wallet_currencies) g (seller, currency)
                where not exists (
                    select from wallets.wallets w
                    where w.seller_account = g.seller and w.currency = g.currency)
                order by g.seller collate "C", g.currency collate "C"
                on conflict (seller_account, currency) do nothing;
            made := true;
        end;
    end loop;

    -- Exact, since the same source moves the same wallet, which is locked now; were it another
    -- wallet, the primary key would refuse the later one.
    select array_agg(m.movement_id is null and c.occurrence = 1 order by c.n) into fresh
    from (
        select source, kind, n, row_number() over (partition by source, kind order by n) as occurrence
        from unnest(movement_sources, movement_kinds) with ordinality s (source, kind, n)
    ) c
    left join wallets.movements m on m.source_id = c.source and m.kind = c.kind;

    insert into wallets.movements (movement_id, kind, source_id, reference, wallet_id, sequence,
        pending_minor, available_minor, reserved_minor,
        pending_after, available_after, reserved_after, event_at, recorded_at)
    select movement_ids[n], movement_kinds[n], movement_sources[n], movement_references[n], ids[wallet],
        counts[wallet] + row_number() over same_wallet,
        movement_pending[n], movement_available[n], movement_reserved[n],
        pendings[wallet] + wallets.total(movement_pending[n]) over same_wallet,
        availables[wallet] + wallets.total(movement_available[n]) over same_wallet,
        reserveds[wallet] + wallets.total(movement_reserved[n]) over same_wallet,
        movement_times[n], moment
    from unnest(movement_wallets) with ordinality s (wallet, n)
    where fresh[n]
    window same_wallet as (partition by wallet order by n rows unbounded preceding);

    update wallets.wallets w
    set pending_minor = w.pending_minor + c.pending,
        available_minor = w.available_minor + c.available,
        reserved_minor = w.reserved_minor + c.reserved,
        movement_count = w.movement_count + c.movements,
        last_recorded_at = moment
    from (
        select ids[wallet] as wallet_id, count(*) as movements,
            wallets.total(movement_pending[n]) as pending,
            wallets.total(movement_available[n]) as available,
            wallets.total(movement_reserved[n]) as reserved
        from unnest(movement_wallets) with ordinality s (wallet, n)
        where fresh[n] group by wallet
    ) c
    where w.wallet_id = c.wallet_id;

    if false = any (fresh) then
        return query
            select s.n::int, m.movement_id
            from unnest(movement_sources, movement_kinds) with ordinality s (source, kind, n)
            join wallets.movements m on m.source_id = s.source and m.kind = s.kind
            where not fresh[s.n];
    end if;
end
$$;

revoke all on function wallets.move, wallets.refuse_change from public;
grant execute on function wallets.move to clearhouse_app;
grant select on wallets.wallets, wallets.movements to clearhouse_app;

select clearhouse.create_outbox('wallets');
select clearhouse.create_inbox('wallets');
