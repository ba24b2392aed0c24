-- What was charged, queued and is being processed is never deleted by the service.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE DELETE ON commerce_charge, commerce_queuedtransaction, commerce_processorstate
        FROM wallet_app;
END
$$;
