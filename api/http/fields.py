"""Strict fields: a wrong type is an error and is never converted."""

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from accounts.email_addresses import canonical_email
from core.money import is_plain_decimal
from core.strict_json import NOT_STORABLE, is_storable, is_text
from core.times import parse_rfc3339

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: How many unknown fields an answer names; a body may have a hundred thousand.
_MAX_REPORTED_FIELDS = 20


class Body(serializers.Serializer[Any]):
    """A JSON object of known fields; one that is not declared is an error."""

    # An array may have a thousand objects, and REST framework's own code takes several times as
    # long as the fields' parsers and validators. So these are called directly. Whatever they do not
    # accept goes through REST framework, which decides and words the errors.
    def run_validation(self, data: Any = empty) -> Any:
        fields = self._validate_fast(data)
        return super().run_validation(data) if fields is empty else fields

    def _validate_fast(self, data: Any) -> Any:
        """Return the validated fields, or `empty` if REST framework has to decide."""
        specs = self._field_specs
        if specs is None or type(data) is not dict or not data.keys() <= specs.keys():
            return empty
        fields: dict[str, Any] = {}
        try:
            for name, spec in specs.items():
                received = data.get(name, empty)
                if received is empty and spec.is_required:
                    return empty
                value = spec.default if received is empty else spec.validated(received)
                if value is not empty:
                    fields[spec.source] = value
            return self.validate(fields)
        except (serializers.ValidationError, DjangoValidationError):
            return empty

    @cached_property
    def _field_specs(self) -> "dict[str, _FieldSpec] | None":
        """The specs of all fields by name; None if the body or a field does more than they say."""
        if self.validators or self.partial:
            return None
        specs = {name: _field_spec(field) for name, field in self.fields.items()}
        does_more = any(spec is None or hasattr(self, f"validate_{n}") for n, spec in specs.items())
        return None if does_more else specs  # type: ignore[return-value]  # none is None

    def to_internal_value(self, data: Any) -> Any:
        reasons: dict[str, Any] = {}
        if isinstance(data, dict):
            unknown = sorted(data.keys() - self.fields.keys())[:_MAX_REPORTED_FIELDS]
            reasons = {_escape_surrogates(name): ["Unknown field."] for name in unknown}
        try:
            fields = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {}
            raise serializers.ValidationError({**detail, **reasons}) from error
        if reasons:
            raise serializers.ValidationError(reasons)
        return fields


class _FieldSpec(NamedTuple):
    """How a field reads a value. A `default` of `empty`: an optional field stays absent."""

    source: str
    is_required: bool
    default: Any
    parse: Callable[[Any], Any]
    validators: Sequence[Callable[..., object]]

    def validated(self, received: Any) -> Any:
        """Return the field's value. Raises a `ValidationError`, also for null and blank texts."""
        # REST framework handles blank texts before it calls `to_internal_value`.
        value = None if received in (None, "") else self.parse(received)
        if value is None or value == "":
            raise serializers.ValidationError("REST framework decides whether it may be blank.")
        for validator in self.validators:
            validator(value)
        return value


_STANDARD_RUN_VALIDATION = (serializers.Field.run_validation, serializers.CharField.run_validation)


def _field_spec(field: "serializers.Field[Any, Any, Any, Any]") -> _FieldSpec | None:
    """Return the field's spec; None if the field does more than parse and validate a value."""
    kind = type(field)
    is_standard = (
        kind.run_validation in _STANDARD_RUN_VALIDATION
        and kind.validate_empty_values is serializers.Field.validate_empty_values
        and kind.get_value is serializers.Field.get_value
        and kind.get_default is serializers.Field.get_default
        and not (field.read_only or field.allow_null)
        and (field.default is empty or not callable(field.default))
        and len(field.source_attrs) == 1
        and not any(hasattr(each, "requires_context") for each in field.validators)
    )
    if not is_standard:
        return None
    return _FieldSpec(
        field.source_attrs[0],
        field.required,
        field.default,
        field.to_internal_value,
        field.validators,
    )


class TextField(serializers.CharField):
    """A JSON string without NUL and lone surrogates; numbers and booleans are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # `to_internal_value` checks what these two check.
        self.validators = [
            each for each in self.validators if not isinstance(each, _REDUNDANT_VALIDATORS)
        ]

    def to_internal_value(self, data: Any) -> str:
        if not is_text(data):
            self.fail("invalid")
        if not is_storable(data):
            raise serializers.ValidationError(NOT_STORABLE)
        return super().to_internal_value(data)


class EmailField(serializers.EmailField, TextField):
    """An email address; its value is the canonical form."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return canonical_email(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


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
    """Money in a request: a JSON number or a string of digits. Returns its plain decimal text.

    `core.money.to_minor` checks the asset's decimals.
    """

    default_error_messages = {"invalid": "Not a plain decimal number."}

    def to_internal_value(self, data: Any) -> str:
        text = str(data) if isinstance(data, int) and not isinstance(data, bool) else data
        if not isinstance(text, str) or not is_plain_decimal(text):
            self.fail("invalid")
        return text

    def to_representation(self, value: Any) -> Any:
        return value


class CountField(serializers.Field[int, Any, Any, Any]):
    """A whole JSON number from `lowest` to `highest`, which may be a setting and be read late."""

    default_error_messages = {"invalid": "A whole number from {lowest} to {highest}."}

    def __init__(self, *, highest: int | Callable[[], int], lowest: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lowest, self._highest = lowest, highest
        bounds = {"minimum": lowest} | ({"maximum": highest} if isinstance(highest, int) else {})
        set_override(self, "field", {"type": "integer", **bounds})

    def to_internal_value(self, data: Any) -> int:
        lowest = self._lowest
        highest = self._highest if isinstance(self._highest, int) else self._highest()
        if not isinstance(data, int) or isinstance(data, bool) or not lowest <= data <= highest:
            self.fail("invalid", lowest=lowest, highest=highest)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class WordField(serializers.ChoiceField):
    """One of some words. Unlike its base, an error does not repeat what was sent."""

    default_error_messages = {"invalid_choice": "Must be one of: {words}."}

    def to_internal_value(self, data: Any) -> Any:
        if not is_text(data) or data not in self.choices:
            self.fail("invalid_choice", words=", ".join(self.choices))
        return data


@extend_schema_field({"type": "boolean"})
class BoolField(serializers.Field[bool, Any, Any, Any]):
    """`true` or `false` in JSON."""

    default_error_messages = {"invalid": "Must be `true` or `false`."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


_METADATA_KEY = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
_METADATA_PAIRS = 20
_METADATA_CHARACTERS = 500


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": _METADATA_PAIRS,
        "propertyNames": {"pattern": f"^{_METADATA_KEY.pattern}$"},
        "additionalProperties": {"type": "string", "maxLength": _METADATA_CHARACTERS},
    }
)
class MetadataField(serializers.Field[dict[str, str], Any, Any, Any]):
    """The caller's own words: at most 20 texts of at most 500 characters, each under a key."""

    default_error_messages = {
        "invalid": "An object of at most 20 texts.",
        "key": "A key is 1 to 40 of the characters a-z, 0-9 and _.",
        "value": "A value is a text of at most 500 characters.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or len(data) > _METADATA_PAIRS:
            self.fail("invalid")
        for key, value in data.items():
            if not _METADATA_KEY.fullmatch(key):
                self.fail("key")
            if not is_text(value) or len(value) > _METADATA_CHARACTERS:
                self.fail("value")
            if not is_storable(value):
                raise serializers.ValidationError(NOT_STORABLE)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "format": "date-time"})
class TimestampField(serializers.Field[datetime, Any, Any, Any]):
    """A time in RFC 3339, e.g. `2026-01-31T12:00:00Z`."""

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
    """Money in an answer, for the schema: an exact JSON number."""


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


_REDUNDANT_VALIDATORS = (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


def _escape_surrogates(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
