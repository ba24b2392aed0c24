"""`/wallets`: wallets as resources."""
