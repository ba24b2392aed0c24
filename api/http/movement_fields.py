"""Fields of bodies and answers about movements, shared by the audiences."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.http.fields import AmountField, Body, IdField, TextField
from commerce.splits import MAX_SPLITS, Split
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


class PayerBody(Body):
    """The payer is named by a `wallet`'s token or by a `paytoken`, one of the two."""

    wallet = IdField(required=False)
    paytoken = TextField(required=False, max_length=100)

    def validate(self, attrs: Any) -> Any:
        payers = [attrs.pop(name) for name in ("wallet", "paytoken") if name in attrs]
        if not payers:
            raise serializers.ValidationError({"wallet": ["Give a `wallet` or a `paytoken`."]})
        if len(payers) > 1:
            raise serializers.ValidationError({"paytoken": ["Not beside a `wallet`."]})
        return {**attrs, "payer": payers[0]}


class SplitBody(Body):
    wallet = IdField(help_text="Its token or its address.")
    amount = AmountField()

    def validate(self, attrs: Any) -> Any:
        return Split(**attrs)


@extend_schema_field(SplitBody(many=True))
class SplitsField(serializers.Field[list[Split], Any, Any, Any]):
    """Parts of the amount that go on to others."""

    # One field, and no list of serializers: a body without splits is then read the short way.
    default_error_messages = {"invalid": f"A list of at most {MAX_SPLITS} splits."}
    _split = SplitBody()

    def to_internal_value(self, data: Any) -> list[Split]:
        if not isinstance(data, list) or len(data) > MAX_SPLITS:
            self.fail("invalid")
        return [self._read(place, split) for place, split in enumerate(data)]

    def _read(self, place: int, split: Any) -> Split:
        try:
            read: Split = self._split.run_validation(split)
        except serializers.ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {}
            reasons = [f"{name}: {why}" for name, each in detail.items() for why in each]
            raise serializers.ValidationError(
                [f"Split {place}: {reason}" for reason in reasons or ["Not an object."]]
            ) from error
        return read

    def to_representation(self, value: Any) -> Any:
        return value
