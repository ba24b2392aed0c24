-- What was charged is never deleted, and of what was asked for only the decision is written. What
-- counts towards the limit of one operator is added and read, never taken back.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE UPDATE, DELETE ON commerce_charge, commerce_loneadjustment, commerce_adjustmentrequest'
        ' FROM wallet_app',
    'GRANT UPDATE (refunded_minor) ON commerce_charge TO wallet_app',
    'GRANT UPDATE (status, decider_id, decision_reason, decided_at, transaction_id, failure_code)'
        ' ON commerce_adjustmentrequest TO wallet_app'
]) AS statement;
