-- What `ledger_post` takes an array of: `ledger_order_v2` of 0.4.0, and what a hold is about.
--
-- A hold has `hold_seconds`, for which it lives; without them it is more of a hold that exists. The
-- amount 0 of a capture or a release is what remains of the hold.
CREATE TYPE ledger_order_v3 AS (
    kind               varchar,
    source_id          uuid,
    target_id          uuid,
    amount_minor       bigint,
    summary            varchar,
    actor_id           uuid,
    origin_id          uuid,
    group_id           uuid,    -- consecutive orders with one are a group: all of them happen, or none
    paytoken_id        uuid,
    payment_request_id uuid,
    hold_id            uuid,
    hold_seconds       integer,
    is_final           boolean, -- a capture: what then remains is released
    reference          varchar, -- of a hold
    metadata           jsonb    -- of a hold
);
