-- The app's role reads transactions and posts orders; nothing else. Functions are everybody's
-- unless told otherwise, and these run with the rights of the owner. An earlier `ledger_post`, of
-- fewer arguments, stays while processes of that release may call it.
DO $$
DECLARE
    owners CONSTANT text := (
        SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc
         WHERE proname IN ('ledger_post', 'make_transaction_partitions')
           AND pronamespace = 'public'::regnamespace
    );
BEGIN
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', owners);
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE INSERT, UPDATE, DELETE ON ledger_transaction, ledger_entry FROM wallet_app;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO wallet_app', owners);
END
$$;
