-- Reads the rows of before, and locks out nobody.
ALTER TABLE ledger_transaction VALIDATE CONSTRAINT completed_has_balances;
ALTER TABLE ledger_transaction VALIDATE CONSTRAINT completed_has_held;
ALTER TABLE ledger_transaction VALIDATE CONSTRAINT fee_within_amount;
ALTER TABLE ledger_transaction VALIDATE CONSTRAINT legal_movement;
