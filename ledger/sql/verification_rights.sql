-- The app's role verifies through functions that run as the owner, and reads the results.
DO $$
DECLARE
    owner_functions CONSTANT text :=
        'ledger_begin_verification(), ledger_verify_next_range(bigint),'
        ' ledger_verify_assets(bigint), ledger_finish_verification(bigint)';
BEGIN
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', owner_functions);
    PERFORM for_app_role(format('GRANT EXECUTE ON FUNCTION %s TO wallet_app', owner_functions));
    PERFORM for_app_role('REVOKE ALL ON ledger_verificationrun FROM wallet_app');
    PERFORM for_app_role('REVOKE ALL ON SEQUENCE ledger_verificationrun_id_seq FROM wallet_app');
END
$$;
