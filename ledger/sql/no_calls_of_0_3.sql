-- No process of 0.3.0 runs any more, which inserted the verifications that it had made. The trigger and its
-- function are not there on a new installation.
DROP TRIGGER IF EXISTS count_inserted_verification ON ledger_verification;
DROP FUNCTION IF EXISTS count_inserted_verification();
SELECT for_app_role('REVOKE INSERT ON ledger_verification FROM wallet_app');
