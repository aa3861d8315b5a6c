-- Days that a file was handed in for, to be compared as soon as somebody does nights.
alter table reconciliation.days add column asked_at timestamptz;
create index days_asked on reconciliation.days (psp, day) where asked_at is not null;
