"""`/wallet`: clients and companies name their wallets by token."""
