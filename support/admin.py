"""Imports every module of the admin, which registers its pages. Django loads this module."""

from support import adjustments, customers, holds, support_actions, transactions, wallets

__all__ = ["adjustments", "customers", "holds", "support_actions", "transactions", "wallets"]
