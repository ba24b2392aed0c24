"""`/transaction` and `/processor`: what is accepted and runs later."""
