-- What `ledger_post` takes an array of: `ledger_order` of 0.2.0, and what a charge is paid by.
CREATE TYPE ledger_order_v2 AS (
    kind               varchar,
    source_id          uuid,
    target_id          uuid,
    amount_minor       bigint,
    summary            varchar,
    actor_id           uuid,
    origin_id          uuid,
    group_id           uuid,
    paytoken_id        uuid,
    payment_request_id uuid
);
