-- The app's role reads transactions and posts orders; nothing else. Functions are everybody's
-- unless told otherwise, and these run with the rights of the owner.
REVOKE EXECUTE ON FUNCTION ledger_post, make_transaction_partitions FROM PUBLIC;
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE INSERT, UPDATE, DELETE ON ledger_transaction, ledger_entry FROM wallet_app;
    GRANT EXECUTE ON FUNCTION ledger_post, make_transaction_partitions TO wallet_app;
END
$$;
