-- Debts that nobody will pay: written off by a person, above a limit by two.

create table wallets.write_offs (
    write_off_id uuid primary key,
    seller_account text collate "C" not null check (seller_account <> ''),
    currency text collate "C" not null check (length(currency) = 3),
    amount_minor bigint not null check (amount_minor > 0),
    reason text not null check (length(reason) between 1 and 500),
    decided_by text not null check (decided_by <> ''),
    decided_at timestamptz not null,
    -- Who asked for it, where it needed a second person.
    asked_by text check (asked_by <> decided_by)
) partition by range (write_off_id);
create trigger append_only before update or delete on wallets.write_offs
    for each row execute function wallets.refuse_change();
grant select, insert on wallets.write_offs to clearhouse_app;
create table wallets.write_offs_default partition of wallets.write_offs default;
select clearhouse.ensure_partitions('wallets.write_offs', current_date - 1, current_date + 14);

-- What was asked for and waits for a second person: the newest wish for each wallet.
create table wallets.write_offs_asked (
    seller_account text collate "C" not null,
    currency text collate "C" not null,
    amount_minor bigint not null check (amount_minor > 0),
    reason text not null check (length(reason) between 1 and 500),
    asked_by text not null check (asked_by <> ''),
    asked_at timestamptz not null,
    primary key (seller_account, currency)
);
grant select, insert, update, delete on wallets.write_offs_asked to clearhouse_app;
