"""What the flows of money keep beside the ledger."""

import uuid

from django.db import models
from django.db.models import F, Q


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
