-- wallets.move as before, in one subtransaction instead of two.

-- Moves wallets by a batch in a constant number of statements. Arguments are columns: wallets
-- (each once, in byte order of seller and currency), and movements that name their wallet by
-- place, from 1. Wallets are made while no lock is held, then locked in sorted order. Returns a
-- row for each movement that was made before, under the id returned. A movement that would take
-- a balance below zero violates a constraint and ends the batch.
create or replace function wallets.move(
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
            select s.n::int, m.movement_id
            from unnest(movement_sources, movement_kinds) with ordinality s (source, kind, n)
            join wallets.movements m on m.source_id = s.source and m.kind = s.kind
            where not fresh[s.n];
    end if;
end
$$;
