-- The app's role adds what a look at the books found, and reads it; it makes nothing unseen.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE UPDATE, DELETE ON ledger_verification FROM wallet_app;
END
$$;
