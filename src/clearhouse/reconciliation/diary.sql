-- Which days are due, and which were done.

-- name: open_days
-- All days since the first that was ever fetched; a PSP's first is the last day itself.
insert into reconciliation.days (psp, day, next_at)
select $1, d::date, $4
from generate_series(greatest($3::date, coalesce((select min(day) from reconciliation.days
        where psp = $1 and fetched_at is not null), $2::date)), $2::date, interval '1 day') d
on conflict (psp, day) do nothing

-- name: due_days
select day from reconciliation.days
where psp = $1 and day <= $2 and fetched_at is null and next_at <= $3
order by day

-- name: day_done
insert into reconciliation.days (psp, day, fetched_at, compared_at, next_at)
values ($1, $2, $3, $3, $3)
on conflict (psp, day) do update
set fetched_at = coalesce(days.fetched_at, $3), compared_at = $3, problem = '', asked_at = null

-- name: day_looked_at
-- Compared with what is there, which says nothing about whether its report was fetched.
insert into reconciliation.days (psp, day, compared_at, next_at)
values ($1, $2, $3, $3)
on conflict (psp, day) do update set compared_at = $3, asked_at = null

-- name: ask_days
insert into reconciliation.days (psp, day, next_at, asked_at)
select $1, d::date, $4, $4 from generate_series($2::date, $3::date, interval '1 day') d
on conflict (psp, day) do update set asked_at = $4

-- name: asked_days
select psp, day from reconciliation.days where asked_at is not null order by psp, day

-- name: day_failed
update reconciliation.days
set tries = tries + 1, problem = $3,
    next_at = $4::timestamptz + least($5::int * 2 ^ least(tries, 10), $6::int) * interval '1 minute'
where psp = $1 and day = $2

-- name: compared_since
select 1 from reconciliation.days where psp = $1 and day = $2 and compared_at >= $3

-- name: days_to_look_at
select distinct b.day
from reconciliation.breaks b
left join reconciliation.days d on d.psp = b.psp and d.day = b.day
where b.psp = $1 and b.state = 'open' and b.area <> 'bank' and b.day >= $2
    and coalesce(d.compared_at, '-infinity')
        < case when b.told_at > $3::timestamptz - interval '1 day'
            then $3::timestamptz else $4::timestamptz end
order by b.day
