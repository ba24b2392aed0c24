"""The tables of core."""

from django.db import models


class IdempotencyRecord(models.Model):
    """The first answer to a request with an idempotency key, stored for replays.

    It commits with the money, so it exists exactly when the money moved (or a recorded refusal
    committed). The fingerprint is keyed (HMAC): a stored row reveals nothing of the request.
    """

    caller_id = models.UUIDField()
    key = models.CharField(max_length=255)
    operation = models.CharField(max_length=255, help_text="Method and path of the request.")
    fingerprint = models.BinaryField(max_length=32)
    status_code = models.SmallIntegerField()
    body = models.BinaryField()
    transaction_id = models.UUIDField(
        null=True, help_text="The transaction that the request made, if any."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["caller_id", "key"], name="one_key_once_per_caller"),
        )
        indexes = (models.Index(fields=["created_at"], name="idempotency_created_at"),)

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"
