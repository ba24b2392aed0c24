"""Transactions that are accepted now and run later, and imports of customers."""
