"""The ledger: append-only transactions, history, statements, verification."""
