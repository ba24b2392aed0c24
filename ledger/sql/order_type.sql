-- What `ledger_post` takes an array of. A composite type keeps each order's columns together:
-- arrays beside each other could differ in length, or in the subscripts that they begin with.
CREATE TYPE ledger_order AS (
    kind         varchar,
    source_id    uuid,
    target_id    uuid,
    amount_minor bigint,
    summary      varchar,
    actor_id     uuid,
    origin_id    uuid,
    group_id     uuid
);
