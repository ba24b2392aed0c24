"""From one line of a source to a customer, as strictly as the API takes one.

The rule is `CustomerBody`, made of the fields that sign-up and wallets are made of. It takes
hundreds of µs, so it is asked only where a row is not plainly right.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from rest_framework import serializers

from accounts.bodies import ClientProfileBody
from accounts.models import NAME_CHARACTERS
from commerce.seeding.phones import is_plainly_valid
from core.errors import InvalidInput, Malformed
from core.http.fields import AmountField, EmailField, TextField
from core.http.parser import parse_json
from core.money import AmountNotPositive, to_minor
from wallets.assets import DEFAULT_CURRENCY

EMAIL_CHARACTERS = 254
#: A row of the longest values, each character escaped, is shorter.
MAX_LINE_BYTES = 8_192

_NO_BALANCE = "0"
_FIELDS = frozenset(("email", "first_name", "last_name", "phone_number", "balance", "currency"))
# Simpler than what Django allows, and all of it allowed.
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


class BrokenLine(Exception):
    """The line makes no customer. Its text is why."""


class NotAnObject(BrokenLine):
    """The line is no JSON object at all."""


class Customer(NamedTuple):
    """A valid row. `balance_minor` is in minor units of the currency; 0 is no deposit."""

    email: str
    first_name: str
    last_name: str
    phone_number: str
    currency: str
    balance_minor: int


class CustomerBody(ClientProfileBody):
    """A line of a source."""

    email = EmailField(max_length=EMAIL_CHARACTERS)
    balance = AmountField(default=_NO_BALANCE)
    currency = TextField(max_length=12, default=DEFAULT_CURRENCY)


_BODY = CustomerBody(data={})


def customer_of(line: bytes, *, decimals_of: Mapping[str, int]) -> Customer:
    """Return the customer of the line. `decimals_of` knows every currency there is.

    Raises `BrokenLine`, which says why, with the reasons that the API gives.
    """
    fields = _parse(line)
    if not _is_plainly_right(fields):
        fields = _checked(fields)
    currency = fields.get("currency", DEFAULT_CURRENCY)
    if currency not in decimals_of:
        raise BrokenLine("currency: There is no such currency that people may deposit.")
    return Customer(
        fields["email"].lower(),
        fields["first_name"],
        fields["last_name"],
        fields["phone_number"],
        currency,
        _minor(fields.get("balance", _NO_BALANCE), decimals_of[currency]),
    )


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise NotAnObject(f"The line is longer than {MAX_LINE_BYTES} bytes.")
    text = line.strip()
    if not text:
        raise NotAnObject("The line is empty.")
    try:
        fields = parse_json(text)
    except Malformed as error:
        raise NotAnObject(f"Not JSON: {error.__cause__ or error}") from error
    if not isinstance(fields, dict):
        raise NotAnObject("Not a JSON object.")
    return fields


def _is_plainly_right(fields: dict[str, Any]) -> bool:
    """Whether the API takes the fields just as they stand, money aside. False: ask it."""
    email = fields.get("email")
    phone_number = fields.get("phone_number")
    # `is str`: a number's literal is a text too (`core.http.parser`).
    return (
        fields.keys() <= _FIELDS
        and type(email) is str
        and len(email) <= EMAIL_CHARACTERS
        and _PLAIN_EMAIL.fullmatch(email) is not None
        and _is_plain_name(fields.get("first_name"))
        and _is_plain_name(fields.get("last_name"))
        and type(phone_number) is str
        and is_plainly_valid(phone_number)
        and isinstance(fields.get("balance", _NO_BALANCE), int | str)
        and type(fields.get("currency", DEFAULT_CURRENCY)) is str
    )


def _is_plain_name(name: object) -> bool:
    # No NUL and no lone surrogate is printable, and the only printable space is " ".
    return (
        type(name) is str
        and 0 < len(name) <= NAME_CHARACTERS
        and name.isprintable()
        and name[0] != " "
        and name[-1] != " "
    )


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = _BODY.run_validation(fields)
    except serializers.ValidationError as error:
        raise BrokenLine(_told(error.detail)) from error
    if len(checked["email"].lower()) > EMAIL_CHARACTERS:
        raise BrokenLine("email: Too long in lower case.")
    return checked


def _minor(balance: int | str, decimals: int) -> int:
    if isinstance(balance, bool):
        raise BrokenLine("balance: Not a plain decimal number.")
    try:
        return to_minor(str(balance), decimals=decimals, field="balance", zero_allowed=True)
    except InvalidInput as error:
        raise BrokenLine(_told(error.details)) from error
    except AmountNotPositive as error:
        raise BrokenLine("balance: Must not be negative.") from error


def _told(reasons: Any) -> str:
    return "; ".join(f"{field}: {' '.join(reasons[field])}" for field in sorted(reasons))
