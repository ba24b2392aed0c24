"""The queue, the state of its processor, and the runs of the import of customers."""

from django.db import models
from django.db.models import F, Q

from ledger.kinds import kind_choices
from ledger.models import SUMMARY_CHARACTERS


class QueueStatus(models.TextChoices):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


_PENDING = Q(status=QueueStatus.PENDING)


#: Ready to run. One that failed has a `next_attempt_at` until that time has come.
READY = _PENDING & Q(next_attempt_at__isnull=True)
#: Failed, and waits until it may run again.
RETRYING = _PENDING & Q(next_attempt_at__isnull=False)


class QueuedTransaction(models.Model):
    """A transaction that was accepted and is run later by the processor.

    Its id is a UUIDv7, which gives the order of acceptance. It is one row for all its attempts;
    each attempt that found a wallet, and was not denied, is a transaction of the ledger.
    """

    id = models.UUIDField(primary_key=True)
    caller_id = models.UUIDField(help_text="The user who sent it.")
    customer_id = models.UUIDField(help_text="The user whose money it moves.")
    kind = models.CharField(max_length=12, choices=kind_choices)
    asset_id = models.CharField(max_length=12)
    amount_minor = models.BigIntegerField()
    latency_ms = models.PositiveIntegerField()
    source_id = models.UUIDField(null=True, help_text="None: the customer's wallet of the asset.")
    target_id = models.UUIDField(null=True, help_text="None: the system wallet of the kind.")
    summary = models.CharField(max_length=SUMMARY_CHARACTERS)
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
                name="queued_by_value",
                condition=READY,
            ),
            models.Index(fields=["id"], name="queued_by_age", condition=READY),
            models.Index(
                fields=["next_attempt_at"],
                name="queued_retries",
                condition=RETRYING,
            ),
            models.Index(
                fields=["source_id", "id"],
                name="queued_by_source",
                condition=_PENDING & Q(source_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class ProcessorState(models.Model):
    """The state of the processor: one row, written with each chunk.

    When `heartbeat_at` is recent, the processor is running; when it is old, it has died.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    processor_id = models.UUIDField(
        null=True, help_text="The processor that works; the others stand by."
    )
    heartbeat_at = models.DateTimeField(null=True)
    current_chunk = models.JSONField(null=True)
    last_chunk = models.JSONField(null=True)
    completed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0, help_text="Given up for good.")
    attempt_totals = models.JSONField(
        default=dict,
        help_text='Attempts by "kind asset code": [count, sum in minor units].',
    )

    class Meta:
        constraints = (models.CheckConstraint(name="one_processor_state", condition=Q(id=1)),)

    def __str__(self) -> str:
        return "processor"


class CustomerImport(models.Model):
    """One run: the import of one version of a source, and its progress."""

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"

    source = models.CharField(max_length=2_000)
    version = models.CharField(max_length=128, help_text="The source's ETag, or a content hash.")
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    total = models.BigIntegerField(
        default=0, help_text="Lines done; a resumed run goes on after them."
    )
    processed = models.BigIntegerField(default=0, help_text="Customers made.")
    rejected = models.BigIntegerField(default=0, help_text="Lines that made no customer.")
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(help_text="Older than 30 s: it no longer runs.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "version"], name="one_import_per_version"),
        )

    def __str__(self) -> str:
        return self.source
