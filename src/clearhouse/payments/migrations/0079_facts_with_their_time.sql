-- Facts by their reference, now with their public id and when they happened: reconciliation asks so
-- which days a report speaks of, and what of a day no line has named.

drop function payments.facts_of(text, text[], text[]);
create function payments.facts_of(in_psp text, kinds text[], refs text[])
    returns table (n bigint, kind text, reference text, amount_minor bigint, currency text,
        is_reversed boolean, order_id uuid, public_id text, happened_at timestamptz)
    language sql stable
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
    as $$
    with wanted as materialized (
        select w.n, w.kind, w.reference
        from unnest(kinds, refs) with ordinality as w (kind, reference, n)
        where w.kind <> '' and w.reference <> ''
    )
    -- Orders that were paid together on a page share their charge.
    select w.n, w.kind, w.reference, sum(o.captured_minor)::bigint, min(o.currency),
        bool_and(o.reversed_at is not null), min(o.order_id::text)::uuid, min(o.payment_order_id),
        min(o.finalized_at)
    from wanted w
    join payments.charge_keys k on k.psp = in_psp and k.psp_reference = w.reference
    join payments.payment_orders o on o.order_id = k.order_id and o.status = 'SUCCESS'
        and o.psp = in_psp and o.psp_reference = w.reference
    where w.kind = 'charge'
    group by w.n, w.kind, w.reference
    union all
    select w.n, w.kind, w.reference, p.amount_minor, p.currency, p.status = 'FAILED', p.order_id,
        p.public_id, p.finalized_at
    from wanted w
    join payments.operations p on p.psp_reference = w.reference and p.psp = in_psp
    where w.kind = 'refund' and p.kind in ('refund', 'stray_refund')
        and p.status in ('SUCCEEDED', 'FAILED')
    union all
    select w.n, w.kind, w.reference, d.amount_minor, d.currency, d.money = 'returned', d.order_id,
        d.public_id, coalesce(d.opened_at, d.created_at)
    from wanted w
    join payments.dispute_keys k on k.psp = in_psp and k.psp_reference = w.reference
    join payments.disputes d on d.dispute_id = k.dispute_id
    where w.kind = 'dispute' and d.money <> 'none'
    union all
    select w.n, w.kind, w.reference, p.charged_minor, p.currency, false, p.order_id, p.public_id,
        p.created_at
    from wanted w
    join payments.operations p on p.charge_reference = w.reference and p.psp = in_psp
        and p.kind = 'stray_refund'
    where w.kind = 'stray'
$$;
revoke all on function payments.facts_of from public;
grant execute on function payments.facts_of to clearhouse_app;
