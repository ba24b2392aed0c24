"""The tables of core."""

from django.db import models


class IdempotencyRecord(models.Model):
    """The first answer to a request that was sent under a key, kept to be said again.

    It commits with the money, so it exists exactly when the money moved (or was refused on
    record). The fingerprint is keyed (HMAC): a stored row gives away nothing of the request.
    """

    caller_id = models.UUIDField()
    key = models.CharField(max_length=255)
    operation = models.CharField(max_length=255, help_text="Method and path of the request.")
    fingerprint = models.BinaryField(max_length=32)
    status_code = models.SmallIntegerField()
    body = models.BinaryField()
    transaction_id = models.UUIDField(null=True, help_text="What the request moved, if anything.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["caller_id", "key"], name="one_key_once_per_caller"),
        )
        indexes = (models.Index(fields=["created_at"], name="idempotency_created_at"),)

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"


class Action(models.TextChoices):
    """What somebody does in the admin, or to an operator's account."""

    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    SECOND_FACTOR_SET_UP = "second_factor_set_up"
    SECOND_FACTOR_PASSED = "second_factor_passed"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_RESET = "second_factor_reset"
    BACKUP_CODES_MADE = "backup_codes_made"
    PASSWORD_SET = "password_set"  # noqa: S105 (no password)
    VIEW = "view"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    ADJUST = "adjust"
    ADJUSTMENT_REFUSED = "adjustment_refused"
    ADJUSTMENT_ASKED = "adjustment_asked"
    ADJUSTMENT_APPROVED = "adjustment_approved"
    ADJUSTMENT_REJECTED = "adjustment_rejected"
    ADD = "add"
    CHANGE = "change"


class SupportAction(models.Model):
    """That an operator did something, to what, why and from where. Kept for good.

    The database refuses to change or delete one. It names people by their ids only.
    """

    actor_id = models.UUIDField(null=True, help_text="None: a management command.")
    # The column keeps its first name: the code of before runs on while instances are replaced.
    action = models.CharField(max_length=24, choices=Action, db_column="deed")
    subject_kind = models.CharField(max_length=16, help_text="user, wallet, transaction, asset")
    subject_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, help_text="In the words of who did it.")
    result = models.CharField(max_length=700, help_text="What became of it.")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=["subject_id", "id"], name="support_of_subject"),
            models.Index(fields=["actor_id", "id"], name="support_of_actor"),
            models.Index(fields=["request_id"], name="support_of_request"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.subject_id}"
