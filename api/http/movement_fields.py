"""Fields of bodies and answers about movements, shared by the audiences."""

from typing import Any

from rest_framework import serializers

from api.http.fields import TextField
from ledger.models import SUMMARY_CHARACTERS

ENTRY_STATUSES = [("COMPLETED", "Completed"), ("FAILED", "Failed")]


def summary_field(*, required: bool = False) -> TextField:
    """Return a field for the short description of a movement."""
    return _text() if required else _text(default="")


def description_field() -> TextField:
    """Return the field `description`, which is the summary in `/wallets*` and `/api/v1`."""
    return _text(default="", source="summary")


def made_id_field() -> serializers.UUIDField:
    """Return the field of an answer for the id of what the call made."""
    return serializers.UUIDField(allow_null=True, help_text="Null in a dry run.")


def _text(**options: str) -> TextField:
    return TextField(max_length=SUMMARY_CHARACTERS, allow_blank=True, **options)


def without_keys(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a body without the idempotency keys."""
    keys = ("idempotencyKey", "clientTransactionId")
    return {name: value for name, value in fields.items() if name not in keys}
