"""`/wallets`: the same wallets as resources."""
