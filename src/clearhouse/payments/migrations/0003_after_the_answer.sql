-- What an order needs to know of its life after the first answer: how it is captured, how much of
-- the buyer's money is still with us, and until when somebody may wait.

alter table payments.payment_orders
    -- manual: authorize now, capture later.
    add column capture_mode text not null default 'automatic'
        check (capture_mode in ('automatic', 'manual')),
    -- What was really taken; less than the amount after a partial capture.
    add column captured_minor bigint not null default 0
        check (captured_minor between 0 and amount_minor),
    -- Given back, or on its way back: counted when a refund is created, uncounted when it fails.
    add column refunded_minor bigint not null default 0 check (refunded_minor >= 0),
    -- Withdrawn by disputes that are open or lost, as far as it was not refunded already.
    add column disputed_minor bigint not null default 0 check (disputed_minor >= 0),
    -- When the PSP took the success back.
    add column reversed_at timestamptz,
    -- Where the buyer must go, while status_reason is requires_action.
    add column action_url text,
    -- Until when the authorization stands or the buyer may act, as the PSP says.
    add column expires_at timestamptz,
    -- Since when the order has waited for its present status_reason.
    add column reason_since timestamptz,
    -- How new the newest fact is that was learnt from the PSP: its own time and version.
    add column seen_as_of timestamptz,
    add column seen_version bigint;

update payments.payment_orders set captured_minor = amount_minor where status = 'SUCCESS';

alter table payments.payment_orders
    -- The ceiling: refunds and lost disputes together never exceed what was captured.
    add constraint never_more_than_captured check (refunded_minor + disputed_minor <= captured_minor),
    add constraint captured_if_successful check ((status = 'SUCCESS') = (captured_minor > 0)),
    add constraint reversed_if_successful check (reversed_at is null or status = 'SUCCESS');
