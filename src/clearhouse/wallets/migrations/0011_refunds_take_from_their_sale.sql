-- What goes back to buyers is taken from the seller: from what the sale itself still has pending
-- first, then from what is available, which may go below zero. That is the seller's debt, which
-- later sales pay off; pending and reserved are parts of real sales and never fall below zero.

alter table wallets.wallets drop constraint wallets_available_minor_check;
alter table wallets.movements drop constraint nothing_below_zero;
alter table wallets.movements add constraint nothing_below_zero
    check (pending_after >= 0 and reserved_after >= 0);

-- The sale that a movement takes from or gives back to; null for the sale itself.
alter table wallets.movements add column sale_id uuid;
create index movements_sale on wallets.movements (sale_id) where sale_id is not null;

-- Decides the pending and available changes of movements that name a sale, in their order, under
-- the wallets' locks. A movement that takes is given out of what its sale still has pending, then
-- out of available; one that undoes gives back exactly what the movement of that kind and of the
-- same source took. What is left of a sale's pending is its own movement and all that name it.
create function wallets.split(
    fresh boolean[], kinds text[], sources uuid[], inout pending bigint[], inout available bigint[],
    sales uuid[], takes bigint[], undoes text[]
) language plpgsql set search_path = pg_catalog, pg_temp
    as $$
declare
    stored jsonb;
    left_of jsonb;
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
        elsif takes[n] is not null then
            part := least(takes[n], greatest(coalesce((left_of ->> sales[n]::text)::bigint, 0), 0));
            pending[n] := -part;
            available[n] := part - takes[n];
        end if;
        left_of := left_of || jsonb_build_object(
            sales[n], coalesce((left_of ->> sales[n]::text)::bigint, 0) + pending[n]);
    end loop;
end
$$;

drop function wallets.move;

-- Moves wallets by a batch in a constant number of statements. Arguments are columns: wallets
-- (each once, in byte order of seller and currency), and movements that name their wallet by
-- place, from 1. Wallets are made while no lock is held, then locked in sorted order. Movements
-- that name a sale are split by wallets.split. Returns a row for each movement that was made before,
-- under the id returned, and one without an id for each that was split, with its changes. A
-- movement that would take pending or reserved below zero violates a constraint and ends the batch.
create function wallets.move(
    in_recorded_at timestamptz,
    wallet_sellers text[], wallet_currencies text[],
    movement_ids uuid[], movement_kinds text[], movement_sources uuid[],
    movement_references text[], movement_times timestamptz[], movement_wallets int[],
    movement_pending bigint[], movement_available bigint[], movement_reserved bigint[],
    movement_sales uuid[], movement_takes bigint[], movement_undoes text[]
) returns table (movement int, stored_id uuid, pending_minor bigint, available_minor bigint)
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
    has_sales boolean := coalesce(array_length(array_remove(movement_sales, null), 1), 0) > 0;
begin
    -- In one block, which is one subtransaction: a wallet that is locked in one and updated in
    -- another would carry a multixact. A block that ends in an exception gives its locks back, so
    -- wallets are made while no lock is held.
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

            if sellers is distinct from wallet_sellers
                or currencies is distinct from wallet_currencies
            then
                if made then
                    raise exception 'wallets must be given once each, in byte order'
                        using errcode = 'invalid_parameter_value';
                end if;
                raise exception 'a wallet is missing' using errcode = 'CLW01';
            end if;

            -- Exact, since the same source moves the same wallet, which is locked now; were it another
            -- wallet, the primary key would refuse the later one.
            select array_agg(m.movement_id is null and c.occurrence = 1 order by c.n) into fresh
            from (
                select source, kind, n, row_number() over (partition by source, kind order by n) as occurrence
                from unnest(movement_sources, movement_kinds) with ordinality s (source, kind, n)
            ) c
            left join wallets.movements m on m.source_id = c.source and m.kind = c.kind;

            if has_sales then
                select s.pending, s.available into movement_pending, movement_available
                from wallets.split(fresh, movement_kinds, movement_sources, movement_pending,
                    movement_available, movement_sales, movement_takes, movement_undoes) s;
            end if;

            insert into wallets.movements (movement_id, kind, source_id, reference, wallet_id, sequence,
                pending_minor, available_minor, reserved_minor,
                pending_after, available_after, reserved_after, event_at, recorded_at, sale_id)
            select movement_ids[n], movement_kinds[n], movement_sources[n], movement_references[n], ids[wallet],
                counts[wallet] + row_number() over same_wallet,
                movement_pending[n], movement_available[n], movement_reserved[n],
                pendings[wallet] + wallets.total(movement_pending[n]) over same_wallet,
                availables[wallet] + wallets.total(movement_available[n]) over same_wallet,
                reserveds[wallet] + wallets.total(movement_reserved[n]) over same_wallet,
                movement_times[n], moment, movement_sales[n]
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
            exit;
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

    if false = any (fresh) then
        return query
            select s.n::int, m.movement_id, m.pending_minor, m.available_minor
            from unnest(movement_sources, movement_kinds) with ordinality s (source, kind, n)
            join wallets.movements m on m.source_id = s.source and m.kind = s.kind
            where not fresh[s.n];
    end if;
    if has_sales then
        return query
            select s.n::int, null::uuid, movement_pending[s.n], movement_available[s.n]
            from unnest(movement_sales) with ordinality s (sale, n)
            where s.sale is not null and fresh[s.n];
    end if;
end
$$;

revoke all on function wallets.move, wallets.split from public;
grant execute on function wallets.move to clearhouse_app;
