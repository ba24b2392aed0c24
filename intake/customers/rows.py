"""Parsing one line of a source into a customer, as strictly as sign-up over the API does.

The validators take about a hundred µs a line, so they run only if the line fails the fast checks.
A test compares them with the fields of sign-up, which are declared in `api`.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from accounts.email_addresses import EMAIL_CHARACTERS, NOT_AN_EMAIL, canonical_email
from accounts.models import NAME_CHARACTERS
from accounts.profiles import NOT_A_PHONE_NUMBER, is_phone_number
from core.errors import InvalidInput, Malformed
from core.money import AmountNotPositive, is_plain_decimal, to_minor
from core.strict_json import NOT_STORABLE, is_storable, is_text, parse_json
from core.texts import NOT_VISIBLE, is_visible
from intake.customers.phones import passes_fast_check
from wallets.assets import DEFAULT_CURRENCY

CURRENCY_CHARACTERS = 12
#: A line with the longest valid values, each character escaped, is shorter.
MAX_LINE_BYTES = 8_192

_DEFAULT_BALANCE = "0"
_FIELDS = frozenset(("email", "first_name", "last_name", "phone_number", "balance", "currency"))
_NOT_A_STRING = "Not a valid string."
# A subset of the addresses that are their own canonical form but for upper case: no label begins
# with `xn--`.
_SIMPLE_EMAIL = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:(?![Xx][Nn]--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


class InvalidLine(Exception):
    """The line makes no customer. Its text is the reason."""


class NotAnObject(InvalidLine):
    """The line is no JSON object at all."""


class Customer(NamedTuple):
    """A valid line. `balance_minor` is in minor units of the currency; 0 makes no deposit."""

    email: str
    first_name: str
    last_name: str
    phone_number: str
    currency: str
    balance_minor: int


def parse_customer(line: bytes, *, decimals_by_currency: Mapping[str, int]) -> Customer:
    """Return the customer of the line. `decimals_by_currency` holds every cash asset.

    Raises `InvalidLine` with the reasons in the words of the API.
    """
    fields = _parse(line)
    if not _passes_fast_checks(fields):
        fields = _validate(fields)
    currency = fields.get("currency", DEFAULT_CURRENCY)
    if currency not in decimals_by_currency:
        raise InvalidLine("currency: There is no such currency that people may deposit.")
    return Customer(
        fields["email"].lower(),
        fields["first_name"],
        fields["last_name"],
        fields["phone_number"],
        currency,
        _balance_minor(fields.get("balance", _DEFAULT_BALANCE), decimals_by_currency[currency]),
    )


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise NotAnObject(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    text = line.strip()
    try:
        fields = parse_json(text)
    except Malformed as error:
        raise NotAnObject(f"Not JSON: {error.__cause__ or error}") from error
    if not isinstance(fields, dict):
        raise NotAnObject("Not a JSON object.")
    return fields


def _passes_fast_checks(fields: dict[str, Any]) -> bool:
    """Whether all fields but the amount are valid as they are. False: the validators decide."""
    email = fields.get("email")
    phone_number = fields.get("phone_number")
    # `type(…) is str`: a `NumberLiteral` is a str, too.
    return (
        fields.keys() <= _FIELDS
        and type(email) is str
        and len(email) <= EMAIL_CHARACTERS
        and _SIMPLE_EMAIL.fullmatch(email) is not None
        and _is_simple_name(fields.get("first_name"))
        and _is_simple_name(fields.get("last_name"))
        and type(phone_number) is str
        and passes_fast_check(phone_number)
        and isinstance(fields.get("balance", _DEFAULT_BALANCE), int | str)
        and type(fields.get("currency", DEFAULT_CURRENCY)) is str
    )


def _is_simple_name(name: object) -> bool:
    # NUL and lone surrogates are not printable, and " " is the only printable space.
    return (
        type(name) is str
        and 0 < len(name) <= NAME_CHARACTERS
        and name.isprintable()
        and name[0] != " "
        and (name.isascii() or is_visible(name))
        and name[-1] != " "
    )


def _validate(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as they are stored. Raises `InvalidLine` with the reasons of all fields."""
    reasons = {name: ["Unknown field."] for name in fields.keys() - _FIELDS}
    validated: dict[str, Any] = {}
    for name, validator in _VALIDATORS.items():
        if name not in fields:
            if name in _REQUIRED:
                reasons[name] = ["This field is required."]
            continue
        try:
            validated[name] = validator(fields[name])
        except ValueError as error:
            reasons[name] = [str(error)]
    if reasons:
        raise InvalidLine(_joined_reasons(reasons))
    return validated


def _validate_text(
    value: Any, *, max_length: int | None, trim: bool = True, not_a_string: str = _NOT_A_STRING
) -> str:
    if value is None:
        raise ValueError("This field may not be null.")
    if not is_text(value):
        raise ValueError(not_a_string)
    if not is_storable(value):
        raise ValueError(NOT_STORABLE)
    text: str = value.strip() if trim else value
    if not text:
        raise ValueError("This field may not be blank.")
    if max_length is not None and len(text) > max_length:
        raise ValueError(f"Ensure this field has no more than {max_length} characters.")
    return text


def _validate_email(value: Any) -> str:
    return canonical_email(_validate_text(value, max_length=None, not_a_string=NOT_AN_EMAIL))


def _validate_name(value: Any) -> str:
    text = _validate_text(value, max_length=NAME_CHARACTERS)
    if not is_visible(text):
        raise ValueError(NOT_VISIBLE)
    return text


def _validate_phone_number(value: Any) -> str:
    text = _validate_text(value, max_length=None, trim=False)
    if not is_phone_number(text):
        raise ValueError(NOT_A_PHONE_NUMBER)
    return text


def _validate_balance(value: Any) -> str:
    if value is None:
        raise ValueError("This field may not be null.")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not is_plain_decimal(text):
        raise ValueError("Not a plain decimal number.")
    return text


_VALIDATORS: dict[str, Callable[[Any], str]] = {
    "email": _validate_email,
    "first_name": _validate_name,
    "last_name": _validate_name,
    "phone_number": _validate_phone_number,
    "balance": _validate_balance,
    "currency": partial(_validate_text, max_length=CURRENCY_CHARACTERS),
}
_REQUIRED = ("email", "first_name", "last_name", "phone_number")


def _balance_minor(balance: int | str, decimals: int) -> int:
    if isinstance(balance, bool):
        raise InvalidLine("balance: Not a plain decimal number.")
    try:
        return to_minor(str(balance), decimals=decimals, field="balance", zero_allowed=True)
    except InvalidInput as error:
        raise InvalidLine(_joined_reasons(error.details)) from error
    except AmountNotPositive as error:
        raise InvalidLine("balance: Must not be negative.") from error


def _joined_reasons(reasons: Any) -> str:
    return "; ".join(f"{field}: {' '.join(reasons[field])}" for field in sorted(reasons))
