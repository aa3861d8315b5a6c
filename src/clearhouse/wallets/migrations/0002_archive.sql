-- What stays of movements whose partition was archived, so that wallets can still be checked from
-- the first movement on. One row is one run of movements without a gap; the ledger's
-- archived_postings say why there may be more than one for a wallet.

create table wallets.archived_movements (
    wallet_id bigint not null,
    first_sequence bigint not null check (first_sequence >= 1),
    last_sequence bigint not null check (last_sequence >= first_sequence),
    pending_minor bigint not null,
    available_minor bigint not null,
    reserved_minor bigint not null,
    pending_after bigint not null,
    available_after bigint not null,
    reserved_after bigint not null,
    first_recorded_at timestamptz not null,
    last_recorded_at timestamptz not null,
    range_from uuid not null,
    primary key (wallet_id, first_sequence)
);
comment on table wallets.archived_movements is
    'Runs of archived movements: the sums of their changes, and the balances after the last.';

create trigger append_only before update or delete on wallets.archived_movements
    for each row execute function wallets.refuse_change();
create trigger append_only_whole before truncate on wallets.archived_movements
    for each statement execute function wallets.refuse_change();

create function wallets.runs_of(range_from uuid, range_to uuid)
    returns setof wallets.archived_movements
    language sql stable
    as $$
        with numbered as (
            select m.*,
                m.sequence - row_number() over (partition by wallet_id order by sequence) as run
            from wallets.movements m
            where m.source_id >= range_from and m.source_id < range_to
        )
        select wallet_id, min(sequence), max(sequence), wallets.total(pending_minor),
            wallets.total(available_minor), wallets.total(reserved_minor),
            (array_agg(pending_after order by sequence desc))[1],
            (array_agg(available_after order by sequence desc))[1],
            (array_agg(reserved_after order by sequence desc))[1],
            min(recorded_at), max(recorded_at), range_from
        from numbered
        group by wallet_id, run
    $$;

revoke all on function wallets.runs_of from public;
grant select on wallets.archived_movements to clearhouse_app;
