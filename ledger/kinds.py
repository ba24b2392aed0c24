"""The kinds of transaction, and the legal sides of each, as a table."""

from django.db import models


class Kind(models.TextChoices):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    CHARGE = "charge"
    REFUND = "refund"
    TOPUP = "topup"
    BONUS = "bonus"
    SPEND = "spend"
    ADJUSTMENT = "adjustment"


class FailureCode(models.TextChoices):
    """Why a transaction failed, in their order of precedence."""

    WALLET_NOT_ACTIVE = "wallet_not_active"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BALANCE_LIMIT = "balance_limit"


#: (kind, source is a system wallet, target is a system wallet): every legal movement.
LEGAL_MOVEMENTS = (
    (Kind.DEPOSIT, True, False),
    (Kind.WITHDRAWAL, False, True),
    (Kind.TRANSFER, False, False),
    (Kind.CHARGE, False, False),
    (Kind.REFUND, False, False),
    (Kind.TOPUP, True, False),
    (Kind.BONUS, True, False),
    (Kind.SPEND, False, True),
    (Kind.ADJUSTMENT, True, False),
    (Kind.ADJUSTMENT, False, True),
)
