-- The app's role reads transactions and posts orders; nothing else.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE INSERT, UPDATE, DELETE ON ledger_transaction, ledger_entry FROM wallet_app;
END
$$;
