"""What happened: transactions, written once."""
