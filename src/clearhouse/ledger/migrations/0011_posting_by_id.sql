-- Posting by account ids: whoever posts knows the ids of most accounts already, since an account
-- keeps its id, type and currency for ever. So codes, types, owners and floors are sent once per
-- account and process, and not with each batch. Takes the place of ledger.post.

-- The accounts of some codes (each once), made where they are missing. is_settled is false for an
-- account that this very transaction may still take back.
create function ledger.open_accounts(
    codes text[], types text[], owners text[], currencies text[], floors bigint[]
) returns table (code text, account_id bigint, type text, currency text, is_settled boolean)
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
begin
    insert into ledger.accounts (code, type, owner, currency, floor_minor, debit_sign)
        select g.code, g.type, g.owner, g.currency, g.floor_minor,
            case when g.type in ('asset', 'expense') then 1 else -1 end
        from unnest(codes, types, owners, currencies, floors)
            g (code, type, owner, currency, floor_minor)
        where not exists (select from ledger.accounts a where a.code = g.code)
        order by g.code collate "C"
        on conflict (code) do nothing;
    return query
        select a.code, a.account_id, a.type, a.currency, a.created_at <> now()
        from ledger.accounts a where a.code = any (codes);
end
$$;

-- Arguments are columns: accounts (each id once, ascending, and the SHA-256 of their codes in that
-- order, one a line, so that no stale id is ever taken for another account), entries, and lines
-- that name their entry and both accounts by place, from 1, in the order of their entries.
-- Returns a row for each entry that was not booked: 'duplicate' (booked before, under the id
-- returned), 'mismatched' (a line between two currencies) or 'overdrawn' (breaks a floor).
-- Places instead of joins: an array's element is found in constant time here.
create function ledger.book(
    in_posted_at timestamptz, account_ids bigint[], accounts_hash bytea,
    entry_ids uuid[], entry_kinds text[], entry_sources uuid[], entry_references text[],
    entry_times timestamptz[], entry_descriptions text[],
    line_entries int[], line_numbers smallint[], line_debits int[], line_credits int[],
    line_amounts bigint[]
) returns table (entry int, outcome text, stored_id uuid)
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $$
#variable_conflict use_column
declare
    total int := array_length(entry_ids, 1);
    -- The accounts, by place.
    ids bigint[];
    currencies text[];
    signs int[];
    hash bytea;
    balances bigint[];
    counts bigint[];
    floors bigint[];
    moment timestamptz;
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
    -- Runs once; again only when a floor broke, without the entries that broke it. Locks, writes
    -- and updates in one block, which is one subtransaction: an account that is locked in one and
    -- updated in another carries a multixact.
    loop
        begin
            with locked as materialized (
                select * from ledger.accounts where account_id = any (account_ids)
                order by account_id for no key update
            )
            select array_agg(a.account_id), array_agg(a.currency), array_agg(a.debit_sign::int),
                array_agg(a.balance_minor), array_agg(a.posting_count),
                array_agg(coalesce(a.floor_minor, no_floor)),
                greatest(in_posted_at, max(a.last_posted_at)),
                sha256(convert_to(string_agg(a.code, e'\n'), 'UTF8'))
            into ids, currencies, signs, balances, counts, floors, moment, hash
            from locked a;

            if ids is distinct from account_ids or hash is distinct from accounts_hash then
                raise exception 'accounts must be those meant, and given once each, ascending'
                    using errcode = 'invalid_parameter_value';
            end if;

            select coalesce(array_agg(distinct l.entry), '{}') into mismatched
            from unnest(line_entries, line_debits, line_credits) l (entry, debit, credit)
            where currencies[l.debit] is distinct from currencies[l.credit];

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
                line_numbers[k.m], currencies[line_debits[k.m]], line_amounts[k.m],
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

drop function ledger.post;
revoke all on function ledger.open_accounts, ledger.book from public;
grant execute on function ledger.open_accounts, ledger.book to clearhouse_app;
