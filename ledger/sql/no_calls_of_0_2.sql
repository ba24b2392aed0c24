-- No process of 0.2.0 runs any more. The functions are not there on a new installation.
DROP FUNCTION IF EXISTS ledger_post(ledger_order[], varchar, boolean);
DROP FUNCTION IF EXISTS ledger_post_once(
    varchar, uuid, varchar, varchar, bytea, timestamptz, ledger_order, varchar, varchar, integer);
DROP TYPE ledger_order;
