-- The app's role reads transactions and posts orders; nothing else. Functions are everybody's
-- unless told otherwise, and these run with the rights of the owner. What a verification found is
-- added and read, never changed.
DO $$
DECLARE
    owners CONSTANT text := (
        SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc
         WHERE proname IN ('ledger_post', 'make_transaction_partitions')
           AND pronamespace = 'public'::regnamespace
    );
BEGIN
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', owners);
    PERFORM for_app_role(format('GRANT EXECUTE ON FUNCTION %s TO wallet_app', owners));
    PERFORM for_app_role(
        'REVOKE INSERT, UPDATE, DELETE ON ledger_transaction, ledger_entry FROM wallet_app');
    PERFORM for_app_role('REVOKE UPDATE, DELETE ON ledger_verification FROM wallet_app');
END
$$;
