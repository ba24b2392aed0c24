-- Of a queued transaction the service writes what becomes of it, never what was asked for. With the right
-- to change every column it could also lock the whole table.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE UPDATE ON intake_queuedtransaction, intake_processorstate FROM wallet_app',
    'GRANT UPDATE (status, is_failed, attempts, next_attempt_at, error_code, transaction_id,'
        ' updated_at) ON intake_queuedtransaction TO wallet_app',
    'GRANT UPDATE (processor_id, heartbeat_at, current_chunk, last_chunk, completed, failed,'
        ' attempt_totals) ON intake_processorstate TO wallet_app'
]) AS statement;
