"""Models of the ledger.

- Transaction: one movement of money, completed or failed. Inserted once, by `ledger.post`.
- Entry: one wallet's side of a transaction, DEBIT for the source, CREDIT for the target.
- Hold: what a company has set aside of a payer's money. Written by `ledger.post` alone.
- Verification: one check of the whole ledger, and how many faults it found.

SQL in `ledger/sql/` creates the first three: Django's migrations support neither partitions nor
views, nor rows that a role may only read.
"""

import uuid

from django.db import models

from ledger.kinds import RULES, FailureCode, Kind, kind_choices

SUMMARY_CHARACTERS = 500
REFERENCE_CHARACTERS = 100


class Transaction(models.Model):
    """One movement. Ids and times are for pages and display; versions define the order."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=12, choices=kind_choices)
    asset_id = models.CharField(max_length=12)
    amount_minor = models.BigIntegerField()
    source_id = models.UUIDField()
    target_id = models.UUIDField()
    source_is_system = models.BooleanField()
    target_is_system = models.BooleanField()
    source_balance_minor = models.BigIntegerField(null=True)
    target_balance_minor = models.BigIntegerField(null=True)
    source_version = models.BigIntegerField(null=True)
    target_version = models.BigIntegerField(null=True)
    failure_code = models.CharField(max_length=24, null=True, choices=FailureCode)
    summary = models.CharField(max_length=SUMMARY_CHARACTERS)
    actor_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=128)
    origin_id = models.UUIDField(null=True)
    group_id = models.UUIDField(null=True)
    paytoken_id = models.UUIDField(null=True)
    payment_request_id = models.UUIDField(null=True)
    hold_id = models.UUIDField(null=True)
    source_held_minor = models.BigIntegerField(null=True)
    fee_minor = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_transaction"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_completed(self) -> bool:
        return self.failure_code is None

    @property
    def by_token(self) -> bool:
        """Of a charge or a refund: whether the payer's wallet was charged by its token."""
        return self.paytoken_id is None and self.payment_request_id is None


class Direction(models.TextChoices):
    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class Entry(models.Model):
    """One wallet's side of a transaction, completed or failed: a database view."""

    transaction_id: uuid.UUID = models.UUIDField(primary_key=True)  # type: ignore[assignment]
    wallet_id = models.UUIDField()
    counterparty_id = models.UUIDField()
    direction = models.CharField(max_length=6, choices=Direction)
    wallet_is_system = models.BooleanField()
    counterparty_is_system = models.BooleanField()
    kind = models.CharField(max_length=12, choices=kind_choices)
    asset_id = models.CharField(max_length=12)
    amount_minor = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField(null=True)
    version = models.BigIntegerField(null=True)
    failure_code = models.CharField(max_length=24, null=True, choices=FailureCode)
    summary = models.CharField(max_length=SUMMARY_CHARACTERS)
    actor_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=128)
    origin_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    paytoken_id = models.UUIDField(null=True)
    payment_request_id = models.UUIDField(null=True)
    group_id = models.UUIDField(null=True)
    hold_id = models.UUIDField(null=True)
    held_after_minor = models.BigIntegerField(null=True)
    fee_minor = models.BigIntegerField(null=True)
    is_listed = models.BooleanField(help_text="Whether it stands in the wallet's history.")

    class Meta:
        managed = False
        db_table = "ledger_entry"

    def __str__(self) -> str:
        return f"{self.direction} {self.transaction_id}"

    @property
    def moved_minor(self) -> int:
        """What it changed the balance by. A failed one changes nothing, nor what is held."""
        if self.failure_code is not None or not RULES[Kind(self.kind)].moves:
            return 0
        return -self.amount_minor if self.direction == Direction.DEBIT else self.amount_minor

    @property
    def by_token(self) -> bool:
        """Of a charge or a refund: whether the payer's wallet was charged by its token."""
        return self.paytoken_id is None and self.payment_request_id is None

    @property
    def source_token(self) -> uuid.UUID | None:
        """The wallet that the money left; None for a system wallet. Not for strangers."""
        return self._wallet if self.direction == Direction.DEBIT else self._counterparty

    @property
    def target_token(self) -> uuid.UUID | None:
        """The wallet that the money entered; None for a system wallet. As `source_token`."""
        return self._counterparty if self.direction == Direction.DEBIT else self._wallet

    @property
    def _wallet(self) -> uuid.UUID | None:
        return None if self.wallet_is_system else self.wallet_id

    @property
    def _counterparty(self) -> uuid.UUID | None:
        return None if self.counterparty_is_system else self.counterparty_id


class HoldStatus(models.TextChoices):
    """What became of a hold. One whose time is over is `EXPIRED`, even if no row says so yet."""

    ACTIVE = "active"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"


class Hold(models.Model):
    """What a company has set aside of a payer's money, in minor units of their wallets' asset."""

    id = models.UUIDField(primary_key=True, editable=False)
    payer_wallet_id = models.UUIDField()
    company_wallet_id = models.UUIDField()
    amount_minor = models.BigIntegerField(help_text="In all, with its increments.")
    captured_minor = models.BigIntegerField()
    released_minor = models.BigIntegerField()
    status = models.CharField(max_length=8, choices=HoldStatus)
    paytoken_id = models.UUIDField(null=True)
    paytoken_cap_minor = models.BigIntegerField(null=True)
    summary = models.CharField(max_length=SUMMARY_CHARACTERS)
    reference = models.CharField(max_length=REFERENCE_CHARACTERS, null=True)
    metadata = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_hold"

    def __str__(self) -> str:
        return str(self.id)

    @property
    def remaining_minor(self) -> int:
        """What can still be captured."""
        return self.amount_minor - self.captured_minor - self.released_minor


class Verification(models.Model):
    """The result of one check of the whole ledger."""

    finished_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField()
    findings = models.PositiveIntegerField(help_text="Inconsistent wallets.")
    unbalanced_assets = models.PositiveIntegerField()

    def __str__(self) -> str:
        return "in order" if self.is_in_order else "out of order"

    @property
    def is_in_order(self) -> bool:
        return self.findings == self.unbalanced_assets == 0
