-- What the ledger shows to reconciliation: the sales that it has booked, and what its clearing
-- accounts hold.

create view ledger.booked_sales as
    select e.source_id as order_id, e.reference, e.event_at, e.posted_at, d.owner as psp,
        l.amount_minor, l.currency
    from ledger.journal_entries e
    join ledger.journal_lines l on l.source_id = e.source_id and l.kind = e.kind and l.line = 1
    join ledger.accounts d on d.account_id = l.debit_account
    where e.kind = 'sale';

create view ledger.clearing_balances as
    select split_part(code, ':', 1) as family, owner, currency, balance_minor
    from ledger.accounts
    where code >= 'bank:' and code < 'bank;' or code >= 'cash_in_transit:' and code < 'cash_in_transit;'
        or code >= 'psp_receivable:' and code < 'psp_receivable;'
        or code >= 'psp_fee_expense:' and code < 'psp_fee_expense;';

grant select on ledger.booked_sales, ledger.clearing_balances to clearhouse_app;
