"""What the flows of money keep beside the ledger."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from ledger.kinds import Kind
from wallets.models import Asset, Wallet


class Charge(models.Model):
    """What a company took from a payer, counted from its first refund on.

    The charge itself is a transaction, which never changes; this row counts what went back, so
    that two refunds that race cannot give back more than was taken.
    """

    transaction_id: uuid.UUID = models.UUIDField(primary_key=True)  # type: ignore[assignment]
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="refunds_within_charge",
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("amount_minor")),
            ),
        )

    def __str__(self) -> str:
        return str(self.transaction_id)


class Decision(models.TextChoices):
    """What became of an adjustment that needs two operators."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    FAILED = "failed", "Approved, but failed"
    EXPIRED = "expired"


class AdjustmentRequest(models.Model):
    """An adjustment above the limit: one operator asks for it, another one decides.

    What was asked never changes, and a decision is for good: the database refuses either.
    `EXPIRED` is never stored: `state` says it of what nobody decided in time.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    is_credit = models.BooleanField(help_text="Put in; else taken out.")
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Decision, default=Decision.PENDING)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decision_reason = models.CharField(max_length=500)
    decided_at = models.DateTimeField(null=True)
    transaction_id = models.UUIDField(null=True, help_text="What it did, or tried.")
    failure_code = models.CharField(max_length=24, null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="asked_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="decided_by_another",
                condition=Q(decider__isnull=True) | ~Q(decider=F("requester")),
            ),
            models.CheckConstraint(
                name="decision_is_whole",
                condition=Q(
                    status=Decision.PENDING,
                    decider__isnull=True,
                    decided_at__isnull=True,
                    transaction_id__isnull=True,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.REJECTED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=True,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.APPROVED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=False,
                    failure_code__isnull=True,
                )
                | Q(
                    status=Decision.FAILED,
                    decider__isnull=False,
                    decided_at__isnull=False,
                    transaction_id__isnull=False,
                    failure_code__isnull=False,
                ),
            ),
        )
        indexes = (
            models.Index(
                fields=["expires_at"], name="asked_pending", condition=Q(status=Decision.PENDING)
            ),
        )

    def __str__(self) -> str:
        return f"adjustment {self.pk}"

    @property
    def state(self) -> Decision:
        """Its status; `EXPIRED` for one that nobody decided in time."""
        if self.status == Decision.PENDING and self.expires_at <= timezone.now():
            return Decision.EXPIRED
        return Decision(self.status)


class LoneAdjustment(models.Model):
    """What one operator adjusted alone: it counts towards the limit above which it takes two.

    A transaction says who made it but has no index by that; here, the adjustments of a day are a
    short range of ids. Written with the money, never changed.
    """

    transaction_id: uuid.UUID = models.UUIDField(primary_key=True)  # type: ignore[assignment]
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, db_index=False, related_name="+")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(name="lone_amount_positive", condition=Q(amount_minor__gt=0)),
        )

    def __str__(self) -> str:
        return str(self.transaction_id)


class QueueStatus(models.TextChoices):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


_PENDING = Q(status=QueueStatus.PENDING)
#: May run now. One that lacked balance is not ready until its next attempt is due.
READY = _PENDING & Q(next_attempt_at__isnull=True)


class QueuedTransaction(models.Model):
    """A transaction that was accepted and runs later: the processor's work.

    Its id is a UUIDv7: the order of acceptance. It is one row for all its attempts; each attempt
    that found a wallet is a transaction of the ledger.
    """

    id = models.UUIDField(primary_key=True)
    caller_id = models.UUIDField(help_text="Who sent it.")
    customer_id = models.UUIDField(help_text="Whose money it moves.")
    kind = models.CharField(max_length=12, choices=Kind)
    asset_id = models.CharField(max_length=12)
    amount_minor = models.BigIntegerField()
    latency_ms = models.PositiveIntegerField()
    source_id = models.UUIDField(null=True, help_text="None: the customer's wallet of the asset.")
    target_id = models.UUIDField(null=True, help_text="None: the system wallet of the kind.")
    summary = models.CharField(max_length=500)
    request_id = models.CharField(max_length=128)
    status = models.CharField(max_length=9, choices=QueueStatus, default=QueueStatus.PENDING)
    is_failed = models.BooleanField(default=False, help_text="Its last attempt failed.")
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField()
    next_attempt_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=32, null=True)
    transaction_id = models.UUIDField(null=True, help_text="Its last attempt in the ledger.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="queued_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="queued_latency_positive", condition=Q(latency_ms__gt=0)),
            models.CheckConstraint(
                name="queued_completed_has_transaction",
                condition=~Q(status=QueueStatus.COMPLETED)
                | Q(is_failed=False, transaction_id__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                "latency_ms",
                F("amount_minor").desc(),
                "id",
                name="queued_by_worth",
                condition=READY,
            ),
            models.Index(fields=["id"], name="queued_by_age", condition=READY),
            models.Index(
                fields=["next_attempt_at"],
                name="queued_retries",
                condition=_PENDING & Q(next_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["source_id", "id"],
                name="queued_of_source",
                condition=_PENDING & Q(source_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class ProcessorState(models.Model):
    """What the processor says of itself: one row, written with each chunk.

    `heartbeat_at` tells a living processor from a row that a dead one left behind.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    processor_id = models.UUIDField(null=True, help_text="Which process; the others stand by.")
    heartbeat_at = models.DateTimeField(null=True)
    current_chunk = models.JSONField(null=True)
    last_chunk = models.JSONField(null=True)
    completed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0, help_text="Given up for good.")
    moved = models.JSONField(
        default=dict,
        help_text='Attempts by "kind asset code": how many, and their sum in minor units.',
    )

    class Meta:
        constraints = (models.CheckConstraint(name="one_processor_state", condition=Q(id=1)),)

    def __str__(self) -> str:
        return "processor"


class SeedRun(models.Model):
    """One seeding of customers from one version of a source, and how far it came."""

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"

    source = models.CharField(max_length=2_000)
    version = models.CharField(max_length=128, help_text="The source's ETag, or a content hash.")
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    total = models.BigIntegerField(default=0, help_text="Lines read so far; it resumes after them.")
    processed = models.BigIntegerField(default=0, help_text="Customers made.")
    rejected = models.BigIntegerField(default=0, help_text="Lines that were broken.")
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(help_text="Older than 30 s: it shows no life.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "version"], name="one_seeding_per_version"),
        )

    def __str__(self) -> str:
        return self.source
