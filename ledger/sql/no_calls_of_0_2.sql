-- No process of 0.2.0 runs any more: see calls_of_0_2.sql.
DROP FUNCTION ledger_post(ledger_order[], varchar, boolean);
DROP FUNCTION ledger_post_once(
    varchar, uuid, varchar, varchar, bytea, timestamptz, ledger_order, varchar, varchar, integer);
DROP TYPE ledger_order;
