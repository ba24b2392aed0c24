"""Strict fields: a wrong type is an error, never a guess."""

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from core.money import is_plain_decimal
from core.strict_json import NOT_STORABLE, is_storable, is_text
from core.times import parse_rfc3339

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


#: How many unknown fields an answer names; a body may hold a hundred thousand.
_TOLD = 20


class Body(serializers.Serializer[Any]):
    """A JSON object of known fields; one that is not declared is an error."""

    # The rules are the fields'. What REST framework does around them takes several times as long as
    # they do, and arrays have a thousand objects: so the rules are asked directly, and only what is
    # not plainly right goes the long way, which also knows what to say.
    def run_validation(self, data: Any = empty) -> Any:
        plain = self._plain(data)
        return super().run_validation(data) if plain is empty else plain

    def _plain(self, data: Any) -> Any:
        """Return what the object says if it is plainly right, else `empty`."""
        rules = self._rules
        if rules is None or type(data) is not dict or not data.keys() <= rules.keys():
            return empty
        fields: dict[str, Any] = {}
        try:
            for name, rule in rules.items():
                given = data.get(name, empty)
                if given is empty and rule.is_required:
                    return empty
                value = rule.default if given is empty else rule.value_of(given)
                if value is not empty:
                    fields[rule.source] = value
            return self.validate(fields)
        except (serializers.ValidationError, DjangoValidationError):
            return empty

    @cached_property
    def _rules(self) -> "dict[str, _Rule] | None":
        """The rules of the fields by name; None when they are not all there is to it."""
        if self.validators or self.partial:
            return None
        rules = {name: _rule(field) for name, field in self.fields.items()}
        has_more = any(rule is None or hasattr(self, f"validate_{n}") for n, rule in rules.items())
        return None if has_more else rules  # type: ignore[return-value]  # none is None

    def to_internal_value(self, data: Any) -> Any:
        reasons: dict[str, Any] = {}
        if isinstance(data, dict):
            unknown = sorted(data.keys() - self.fields.keys())[:_TOLD]
            reasons = {_printable(name): ["Unknown field."] for name in unknown}
        try:
            fields = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {}
            raise serializers.ValidationError({**detail, **reasons}) from error
        if reasons:
            raise serializers.ValidationError(reasons)
        return fields


class _Rule(NamedTuple):
    """What a field asks of a value. Without `default` it may be missing, unless it is required."""

    source: str
    is_required: bool
    default: Any
    parse: Callable[[Any], Any]
    validators: Sequence[Callable[..., object]]

    def value_of(self, given: Any) -> Any:
        """Return the field's value. Raises a `ValidationError` for what is not plainly right."""
        # REST framework asks no field about a blank text either.
        value = None if given in (None, "") else self.parse(given)
        if value is None or value == "":
            raise serializers.ValidationError("Whether it may be is told the long way.")
        for validator in self.validators:
            validator(value)
        return value


_PLAIN_FIELDS = (serializers.Field.run_validation, serializers.CharField.run_validation)


def _rule(field: "serializers.Field[Any, Any, Any, Any]") -> _Rule | None:
    """Return the field's rule; None when it does more than to parse a value and to validate it."""
    kind = type(field)
    is_plain = (
        kind.run_validation in _PLAIN_FIELDS
        and kind.validate_empty_values is serializers.Field.validate_empty_values
        and kind.get_value is serializers.Field.get_value
        and kind.get_default is serializers.Field.get_default
        and not (field.read_only or field.allow_null)
        and (field.default is empty or not callable(field.default))
        and len(field.source_attrs) == 1
        and not any(hasattr(each, "requires_context") for each in field.validators)
    )
    if not is_plain:
        return None
    return _Rule(
        field.source_attrs[0],
        field.required,
        field.default,
        field.to_internal_value,
        field.validators,
    )


class TextField(serializers.CharField):
    """A JSON string without NUL and lone surrogates. Numbers and booleans are no text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # `to_internal_value` has looked for both already.
        self.validators = [each for each in self.validators if not isinstance(each, _TWICE)]

    def to_internal_value(self, data: Any) -> str:
        if not is_text(data):
            self.fail("invalid")
        if not is_storable(data):
            raise serializers.ValidationError(NOT_STORABLE)
        return super().to_internal_value(data)


class EmailField(serializers.EmailField, TextField):
    """An email address, in lower case: addresses are compared without regard to case."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


KEY_SCHEMA = {"type": "string", "pattern": "^[ -~]{1,255}$"}


@extend_schema_field(KEY_SCHEMA)
class KeyField(TextField):
    """A field that holds the idempotency key; `api.http.views` checks and uses it."""

    def __init__(self) -> None:
        super().__init__(required=False, trim_whitespace=False)


class IdField(serializers.UUIDField):
    """A UUID in the 36-character hyphenated form, and no other."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return uuid.UUID(data)


@extend_schema_field(
    {
        "oneOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}],
        "description": "Money: greater than 0, at most the asset's decimals, plain notation.",
    }
)
class AmountField(serializers.Field[str, Any, Any, Any]):
    """Money coming in: a JSON number or a string of digits. Returns its plain decimal text.

    Whether it fits the asset's decimals is for whoever knows the asset (`core.money.to_minor`).
    """

    default_error_messages = {"invalid": "Not a plain decimal number."}

    def to_internal_value(self, data: Any) -> str:
        text = str(data) if isinstance(data, int) and not isinstance(data, bool) else data
        if not isinstance(text, str) or not is_plain_decimal(text):
            self.fail("invalid")
        return text

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "integer", "minimum": 1})
class CountField(serializers.Field[int, Any, Any, Any]):
    """A whole JSON number from 1 to `highest()`."""

    default_error_messages = {"invalid": "A whole number from 1 to {highest}."}

    def __init__(self, *, highest: Callable[[], int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._highest = highest

    def to_internal_value(self, data: Any) -> int:
        highest = self._highest()
        if not isinstance(data, int) or isinstance(data, bool) or not 1 <= data <= highest:
            self.fail("invalid", highest=highest)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[datetime, Any, Any, Any]):
    """A moment in RFC 3339, e.g. `2026-01-31T12:00:00Z`."""

    default_error_messages = {"invalid": "Not an RFC 3339 time with a zone."}

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return parse_rfc3339(data if isinstance(data, str) else "")
        except ValueError:
            self.fail("invalid")

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "number", "format": "decimal"})
class MoneyField(serializers.Field[Any, Any, Any, Any]):
    """Money going out, for the schema: an exact JSON number."""


@extend_schema_field({"type": "boolean"})
class FlagField(serializers.Field[bool, Any, Any, Any]):
    """`true` or `false` in a query."""

    default_error_messages = {"invalid": "Must be `true` or `false`."}

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid")
        return bool(data == "true")

    def to_representation(self, value: Any) -> Any:
        return value


_TWICE = (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
