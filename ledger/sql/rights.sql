-- The app's role may read transactions and post orders; nothing else. PostgreSQL lets every role execute
-- a new function, and these run with the rights of the owner, so the right is revoked. Verifications
-- are inserted and read, never changed.
DO $$
DECLARE
    owner_functions CONSTANT text := (
        SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc
         WHERE proname IN ('ledger_post', 'ledger_release_expired', 'make_transaction_partitions')
           AND pronamespace = 'public'::regnamespace
    );
BEGIN
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', owner_functions);
    PERFORM for_app_role(format('GRANT EXECUTE ON FUNCTION %s TO wallet_app', owner_functions));
    PERFORM for_app_role(
        'REVOKE INSERT, UPDATE, DELETE ON ledger_transaction, ledger_entry FROM wallet_app');
    PERFORM for_app_role('REVOKE UPDATE, DELETE ON ledger_verification FROM wallet_app');
END
$$;
