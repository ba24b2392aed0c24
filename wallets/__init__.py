"""Wallets: assets, wallets, their references and the lock."""
