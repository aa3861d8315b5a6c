-- Posting: one call books a batch of journal entries in a constant number of statements.
--
-- Accounts are made, then locked, both in sorted order, so that writers wait for each other but
-- never in a circle; running balances are window functions over all postings of the batch, so an
-- account that occurs a thousand times costs no more than a thousand accounts do.
--
-- The application may execute this function and read the tables; it cannot write them otherwise.

-- Which entries would take an account below its floor, decided one after the other: an entry that
-- is refused leaves its money to the entries behind it. In memory only; run when a floor broke.
create function ledger.overdrawn_entries(
    candidate boolean[],
    line_entries int[], line_debits int[], line_credits int[], line_amounts bigint[],
    signs int[], balances bigint[], floors bigint[]
) returns int[]
    language plpgsql immutable
    as $$
declare
    refused int[] := '{}';
    total int := coalesce(array_length(line_entries, 1), 0);
    first int := 1;
    last int;
    broken boolean;
begin
    while first <= total loop
        last := first;
        while last < total and line_entries[last + 1] = line_entries[first] loop
            last := last + 1;
        end loop;
        if candidate[line_entries[first]] then
            broken := false;
            for i in first..last loop
                balances[line_debits[i]] := balances[line_debits[i]]
                    + line_amounts[i] * signs[line_debits[i]];
                balances[line_credits[i]] := balances[line_credits[i]]
                    - line_amounts[i] * signs[line_credits[i]];
            end loop;
            for i in first..last loop
                broken := broken or balances[line_debits[i]] < floors[line_debits[i]]
                    or balances[line_credits[i]] < floors[line_credits[i]];
            end loop;
            if broken then
                refused := refused || line_entries[first];
                for i in first..last loop
                    balances[line_debits[i]] := balances[line_debits[i]]
                        - line_amounts[i] * signs[line_debits[i]];
                    balances[line_credits[i]] := balances[line_credits[i]]
                        + line_amounts[i] * signs[line_credits[i]];
                end loop;
            end if;
        end if;
        first := last + 1;
    end loop;
    return refused;
end
$$;

-- A sum that stays bigint (sum() would pass through numeric), and refuses to overflow.
create aggregate ledger.total (bigint) (sfunc = int8pl, stype = bigint, initcond = '0');

-- Arguments are columns: accounts (each once, in the byte order of their codes), entries, and
-- lines that name their entry and both accounts by place, from 1, in the order of their entries.
-- Returns a row for each entry that was not booked: 'duplicate' (booked before, under the id
-- returned), 'mismatched' (an account is of another type or currency) or 'overdrawn' (breaks a
-- floor). Places instead of joins: an array's element is found in constant time here.
create function ledger.post(
    in_posted_at timestamptz,
    account_codes text[], account_types text[], account_owners text[],
    account_currencies text[], account_floors bigint[],
    entry_ids uuid[], entry_kinds text[], entry_sources uuid[], entry_references text[],
    entry_times timestamptz[], entry_descriptions text[],
    line_entries int[], line_numbers smallint[], line_debits int[], line_credits int[],
    line_currencies text[], line_amounts bigint[]
) returns table (entry int, outcome text, stored_id uuid)
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    total int := array_length(entry_ids, 1);
    -- The accounts, by place.
    codes text[];
    ids bigint[];
    currencies text[];
    signs int[];
    balances bigint[];
    counts bigint[];
    floors bigint[];
    moment timestamptz;
    made boolean := false;
    -- The entries, by place.
    mismatched int[];
    overdrawn int[] := '{}';
    stored uuid[];
    fresh boolean[];
    -- The lines of fresh entries, by place; two sides for each line.
    kept int[];
    side_balances bigint[];
    side_sequences bigint[];
    broken boolean;
    no_floor constant bigint := -9223372036854775808;
begin
    -- Makes accounts while it holds no lock, and locks when it has nothing left to make: where
    -- some are missing, the block is rolled back, which gives its locks back.
    loop
        begin
            with locked as materialized (
                select * from ledger.accounts where code = any (account_codes)
                order by code for no key update
            ), placed as (
                select *, row_number() over (order by code) as n from locked
            )
            select array_agg(a.code order by n), array_agg(a.account_id order by n),
                array_agg(case when a.type = account_types[n]
                    and a.currency = account_currencies[n] then a.currency end order by n),
                array_agg(a.debit_sign::int order by n),
                array_agg(a.balance_minor order by n),
                array_agg(a.posting_count order by n),
                array_agg(coalesce(a.floor_minor, no_floor) order by n),
                greatest(in_posted_at, max(a.last_posted_at))
            into codes, ids, currencies, signs, balances, counts, floors, moment
            from placed a;

            exit when codes = account_codes;
            if made then
                raise exception 'accounts must be given once each, in byte order'
                    using errcode = 'invalid_parameter_value';
            end if;
            raise exception 'an account is missing' using errcode = 'CLF02';
        exception when sqlstate 'CLF02' then
            insert into ledger.accounts (code, type, owner, currency, floor_minor)
                select g.code, g.type, g.owner, g.currency, g.floor_minor
                from unnest(account_codes, account_types, account_owners, account_currencies,
                    account_floors) g (code, type, owner, currency, floor_minor)
                where not exists (select from ledger.accounts a where a.code = g.code)
                order by g.code collate "C"
                on conflict (code) do nothing;
            made := true;
        end;
    end loop;

    select coalesce(array_agg(distinct l.entry), '{}') into mismatched
    from unnest(line_entries, line_debits, line_credits, line_currencies)
        l (entry, debit, credit, currency)
    where currencies[l.debit] is distinct from l.currency
        or currencies[l.credit] is distinct from l.currency;

    -- Runs once; again only when a floor broke, without the entries that broke it.
    loop
        begin
            with inserted as (
                insert into ledger.journal_entries
                    (entry_id, kind, source_id, reference, event_at, posted_at, description)
                select e.id, e.kind, e.source, e.reference, e.event_at, moment, e.description
                from unnest(entry_ids, entry_kinds, entry_sources, entry_references, entry_times,
                        entry_descriptions) with ordinality
                    e (id, kind, source, reference, event_at, description, n)
                where e.n <> all (mismatched) and e.n <> all (overdrawn)
                order by e.source, e.kind, e.n
                on conflict do nothing
                returning entry_id
            )
            select array_agg(entry_id) into stored from inserted;

            if coalesce(array_length(stored, 1), 0) = total then
                fresh := array_fill(true, array[total]);
            else
                select array_agg(coalesce(e.id = any (stored), false) order by e.n) into fresh
                from unnest(entry_ids) with ordinality e (id, n);
            end if;

            select array_agg(l.m order by l.m) into kept
            from unnest(line_entries) with ordinality l (entry, m) where fresh[l.entry];

            with line as (
                select k.place, line_entries[k.m] as entry, line_debits[k.m] as debit,
                    line_credits[k.m] as credit, line_amounts[k.m] as amount
                from unnest(kept) with ordinality k (m, place)
            ), side as (
                select place * 2 - 1 as place, entry, debit as account,
                    amount * signs[debit] as change
                from line
                union all
                select place * 2, entry, credit, -amount * signs[credit] from line
            ), running as (
                select place, account,
                    balances[account] + ledger.total(change) over postings as balance,
                    counts[account] + row_number() over postings as sequence,
                    lead(entry) over postings is distinct from entry as ends_entry
                from side
                window postings as (partition by account order by place rows unbounded preceding)
            )
            select array_agg(balance order by place), array_agg(sequence order by place),
                coalesce(bool_or(ends_entry and balance < floors[account]), false)
            into side_balances, side_sequences, broken
            from running;

            if broken then
                raise exception 'a floor is broken' using errcode = 'CLF01';
            end if;

            insert into ledger.journal_lines
                (source_id, kind, line, currency, amount_minor, debit_account, credit_account,
                debit_balance_after, credit_balance_after, debit_sequence, credit_sequence,
                posted_at)
            select entry_sources[line_entries[k.m]], entry_kinds[line_entries[k.m]],
                line_numbers[k.m], line_currencies[k.m], line_amounts[k.m],
                ids[line_debits[k.m]], ids[line_credits[k.m]],
                side_balances[k.place * 2 - 1], side_balances[k.place * 2],
                side_sequences[k.place * 2 - 1], side_sequences[k.place * 2], moment
            from unnest(kept) with ordinality k (m, place);

            with side as (
                select line_debits[m] as account, line_amounts[m] * signs[line_debits[m]] as change
                from unnest(kept) m
                union all
                select line_credits[m], -line_amounts[m] * signs[line_credits[m]]
                from unnest(kept) m
            ), changed as (
                select ids[account] as account_id, ledger.total(change) as change,
                    count(*) as postings
                from side group by account
            )
            update ledger.accounts a
            set balance_minor = a.balance_minor + c.change,
                posting_count = a.posting_count + c.postings,
                last_posted_at = moment
            from changed c where a.account_id = c.account_id;
            exit;
        exception when sqlstate 'CLF01' then
            overdrawn := overdrawn || ledger.overdrawn_entries(fresh, line_entries, line_debits,
                line_credits, line_amounts, signs, balances, floors);
        end;
    end loop;

    if coalesce(array_length(stored, 1), 0) < total then
        return query
            select e.n::int,
                case when e.n = any (mismatched) then 'mismatched'
                    when e.n = any (overdrawn) then 'overdrawn' else 'duplicate' end,
                j.entry_id
            from unnest(entry_sources, entry_kinds) with ordinality e (source, kind, n)
            left join ledger.journal_entries j on j.source_id = e.source and j.kind = e.kind
            where not fresh[e.n];
    end if;
end
$$;

revoke all on function ledger.overdrawn_entries, ledger.post from public;
grant execute on function ledger.post to clearhouse_app;
