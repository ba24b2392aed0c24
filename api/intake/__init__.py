"""`/transaction` and `/processor`: transactions that are queued and run later."""
