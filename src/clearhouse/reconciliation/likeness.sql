-- Charges of nobody beside the orders that miss theirs.

-- name: forget_likenesses
delete from reconciliation.likenesses k using reconciliation.breaks b
where b.break_id = k.break_id and b.psp = $1 and b.day = $2

-- name: find_likenesses
-- $3 and $4 bound the orders' ids, $5 to $7 are the table of evidence, best evidence first.
with strange as materialized (
    select b.break_id, l.gross_minor, l.currency, l.occurred_at, l.card_tail
    from reconciliation.breaks b
    join reconciliation.lines l on l.occurred_on = b.day and l.psp = b.psp
        and l.line_key = b.line_key
    where b.psp = $1 and b.day = $2 and b.state = 'open' and b.cause = 'unknown_charge'
), alike as (
    select s.break_id, m.order_id, m.payment_order_id, m.status,
        abs(extract(epoch from s.occurred_at - m.happened_at))::bigint as apart,
        case when s.card_tail = m.card_tail and s.card_tail <> '' then 'same' else 'unknown' end
            as tail
    from strange s
    join payments.order_marks m on m.currency = s.currency and m.amount_minor = s.gross_minor
        and (s.card_tail = '' or m.card_tail = '' or s.card_tail = m.card_tail)
    where m.psp = $1 and m.order_id >= $3 and m.order_id < $4
        and (m.status in ('EXECUTING', 'FAILED') or m.status = 'SUCCESS' and exists (
            select from reconciliation.breaks w
            where w.subject = $1 || ':charge:' || m.psp_reference and w.state = 'open'))
), rated as (
    select a.*, (select t.confidence
        from unnest($5::bigint[], $6::text[], $7::int[]) with ordinality
            as t (apart, tail, confidence, place)
        where t.tail = a.tail and a.apart <= t.apart order by t.place limit 1) as confidence
    from alike a
), ranked as (
    -- Those that are as good share it.
    select r.*, r.confidence / count(*) over (partition by r.break_id order by r.confidence desc
            range between unbounded preceding and current row) as worth,
        row_number() over (partition by r.break_id order by r.confidence desc, r.apart, r.order_id)
            as place
    from rated r where r.confidence is not null
)
insert into reconciliation.likenesses
    (break_id, order_id, payment_order_id, status, confidence, seconds_apart, tail, found_at)
select break_id, order_id, payment_order_id, status, worth, apart, tail, $9
from ranked where place <= $8 and worth >= 1

-- name: likenesses_of
select break_id, payment_order_id, status, confidence, seconds_apart, tail
from reconciliation.likenesses where break_id = any($1)
order by break_id, confidence desc, seconds_apart, order_id
