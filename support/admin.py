"""Every page of the admin: Django looks here, and importing a module registers its pages."""

from support import adjustments, customers, support_actions, transactions, wallets

__all__ = ["adjustments", "customers", "support_actions", "transactions", "wallets"]
