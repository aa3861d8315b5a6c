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

-- Arguments are columns: accounts (each once), entries, and lines that name their entry and both
-- accounts by place, from 1; lines stand in the order of their entries. Returns a row for each
-- entry that was not booked: 'duplicate' (booked before, under the entry_id returned),
-- 'mismatched' (an account is of another type or currency) or 'overdrawn' (breaks a floor).
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
    ids bigint[];
    signs int[];
    balances bigint[];
    counts bigint[];
    floors bigint[];
    moment timestamptz;
    mismatched int[];
    overdrawn int[] := '{}';
    fresh boolean[];
    fresh_count int;
    broken_count int;
    total int := array_length(entry_ids, 1);
    no_floor constant bigint := -9223372036854775808;
begin
    insert into ledger.accounts (code, type, owner, currency, floor_minor)
        select g.code, g.type, g.owner, g.currency, g.floor_minor
        from unnest(account_codes, account_types, account_owners, account_currencies,
            account_floors) g (code, type, owner, currency, floor_minor)
        where not exists (select from ledger.accounts a where a.code = g.code)
        order by g.code
        on conflict (code) do nothing;

    with locked as materialized (
        select a.* from ledger.accounts a where a.code = any(account_codes)
        order by a.account_id for no key update
    )
    select array_agg(a.account_id order by g.n), array_agg(a.debit_sign::int order by g.n),
        array_agg(a.balance_minor order by g.n), array_agg(a.posting_count order by g.n),
        array_agg(coalesce(a.floor_minor, no_floor) order by g.n),
        greatest(in_posted_at, max(a.last_posted_at))
    into ids, signs, balances, counts, floors, moment
    from unnest(account_codes) with ordinality g (code, n) join locked a on a.code = g.code;

    with usable as (
        select g.n, a.currency
        from unnest(account_codes, account_types, account_currencies)
            with ordinality g (code, type, currency, n)
        join ledger.accounts a
            on a.account_id = ids[g.n] and a.type = g.type and a.currency = g.currency
    )
    select coalesce(array_agg(distinct l.entry), '{}') into mismatched
    from unnest(line_entries, line_debits, line_credits, line_currencies)
        l (entry, debit, credit, currency)
    left join usable d on d.n = l.debit and d.currency = l.currency
    left join usable c on c.n = l.credit and c.currency = l.currency
    where d.n is null or c.n is null;

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
            select case when count(i.entry_id) = total then array_fill(true, array[total])
                else array_agg(i.entry_id is not null order by e.n) end, count(i.entry_id)
            into fresh, fresh_count
            from unnest(entry_ids) with ordinality e (id, n)
            left join inserted i on i.entry_id = e.id;

            with line as materialized (
                select l.*
                from unnest(line_entries, line_numbers, line_debits, line_credits,
                    line_currencies, line_amounts) with ordinality
                    l (entry, number, debit, credit, currency, amount, m)
                where fresh[l.entry]
            ), side as (
                select m, entry, true as is_debit, debit as account,
                    amount * signs[debit] as change from line
                union all
                select m, entry, false, credit, -amount * signs[credit] from line
            ), running as materialized (
                select m, is_debit, account,
                    counts[account] + row_number() over postings as sequence,
                    (balances[account] + sum(change) over postings)::bigint as balance,
                    lead(entry) over postings is distinct from entry as is_last_of_entry
                from side
                window postings as (partition by account order by m rows unbounded preceding)
            ), written as (
                insert into ledger.journal_lines
                    (source_id, kind, line, currency, amount_minor, debit_account, credit_account,
                    debit_balance_after, credit_balance_after, debit_sequence, credit_sequence,
                    posted_at)
                select entry_sources[l.entry], e.kind, l.number, l.currency, l.amount,
                    ids[l.debit], ids[l.credit], d.balance, c.balance, d.sequence, c.sequence,
                    moment
                from line l
                join unnest(entry_kinds) with ordinality e (kind, n) on e.n = l.entry
                join running d on d.m = l.m and d.is_debit
                join running c on c.m = l.m and not c.is_debit
                order by l.m
            ), kept as (
                update ledger.accounts a
                set balance_minor = r.balance, posting_count = r.sequence, last_posted_at = moment
                from (
                    select distinct on (account) account, balance, sequence
                    from running order by account, sequence desc
                ) r
                where a.account_id = ids[r.account]
                    -- A balance below its floor is refused by a constraint, which would end the
                    -- whole batch; the count of broken floors below refuses its entry alone.
                    and r.balance >= floors[r.account]
            )
            select count(*) into broken_count from running
                where is_last_of_entry and balance < floors[account];

            if broken_count = 0 then
                exit;
            end if;
            raise exception 'floors broken' using errcode = 'CLF01';
        exception when sqlstate 'CLF01' then
            overdrawn := overdrawn || ledger.overdrawn_entries(fresh, line_entries, line_debits,
                line_credits, line_amounts, signs, balances, floors);
        end;
    end loop;

    if fresh_count < total then
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
