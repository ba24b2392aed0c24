"""The tables."""

import uuid
from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models


class Account(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT)
    balance = models.DecimalField(max_digits=20, decimal_places=2, default=0)

    objects: ClassVar[models.Manager["Account"]] = models.Manager()

    class Meta:
        app_label = "plain"

    def __str__(self) -> str:
        return str(self.id)


class Transfer(models.Model):
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transfers_out")
    target = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transfers_in")
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    summary = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Transfer"]] = models.Manager()

    class Meta:
        app_label = "plain"

    def __str__(self) -> str:
        return str(self.pk)


class Entry(models.Model):
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    balance_after = models.DecimalField(max_digits=20, decimal_places=2)

    objects: ClassVar[models.Manager["Entry"]] = models.Manager()

    class Meta:
        app_label = "plain"

    def __str__(self) -> str:
        return str(self.pk)
