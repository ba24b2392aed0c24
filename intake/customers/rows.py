"""From one line of a source to a customer, as strictly as the API takes one.

Looking at each field by its rule takes a hundred µs, so that is done only where a row is not
plainly right. A test compares the rules with those of sign-up, which has its own words for them.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import NAME_CHARACTERS
from accounts.profiles import EMAIL_CHARACTERS, NOT_A_PHONE_NUMBER, is_phone_number
from core.errors import InvalidInput, Malformed
from core.money import AmountNotPositive, is_plain_decimal, to_minor
from core.strict_json import NOT_STORABLE, is_storable, is_text, parse_json
from intake.customers.phones import is_plainly_valid
from wallets.assets import DEFAULT_CURRENCY

CURRENCY_CHARACTERS = 12
#: A row of the longest values, each character escaped, is shorter.
MAX_LINE_BYTES = 8_192

_NO_BALANCE = "0"
_FIELDS = frozenset(("email", "first_name", "last_name", "phone_number", "balance", "currency"))
_NO_TEXT = "Not a valid string."
_NO_EMAIL = "Enter a valid email address."
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
    # `is str`: a number's literal is a text too (`api.http.parser`).
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
    """Return the fields as they are kept. Raises `BrokenLine` with the reasons of all of them."""
    reasons = {name: ["Unknown field."] for name in fields.keys() - _FIELDS}
    checked: dict[str, Any] = {}
    for name, check in _CHECKS.items():
        if name not in fields:
            if name in _REQUIRED:
                reasons[name] = ["This field is required."]
            continue
        try:
            checked[name] = check(fields[name])
        except ValueError as error:
            reasons[name] = [str(error)]
    if reasons:
        raise BrokenLine(_reasons(reasons))
    return checked


def _text(value: Any, *, most: int | None, trim: bool = True, wrong: str = _NO_TEXT) -> str:
    if value is None:
        raise ValueError("This field may not be null.")
    if not is_text(value):
        raise ValueError(wrong)
    if not is_storable(value):
        raise ValueError(NOT_STORABLE)
    text: str = value.strip() if trim else value
    if not text:
        raise ValueError("This field may not be blank.")
    if most is not None and len(text) > most:
        raise ValueError(f"Ensure this field has no more than {most} characters.")
    return text


def _email(value: Any) -> str:
    text = _text(value, most=EMAIL_CHARACTERS, wrong=_NO_EMAIL)
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValueError(_NO_EMAIL) from error
    if len(text.lower()) > EMAIL_CHARACTERS:
        raise ValueError("Too long in lower case.")
    return text.lower()


def _phone_number(value: Any) -> str:
    text = _text(value, most=None, trim=False)
    if not is_phone_number(text):
        raise ValueError(NOT_A_PHONE_NUMBER)
    return text


def _balance(value: Any) -> str:
    if value is None:
        raise ValueError("This field may not be null.")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not is_plain_decimal(text):
        raise ValueError("Not a plain decimal number.")
    return text


_CHECKS: dict[str, Callable[[Any], str]] = {
    "email": _email,
    "first_name": partial(_text, most=NAME_CHARACTERS),
    "last_name": partial(_text, most=NAME_CHARACTERS),
    "phone_number": _phone_number,
    "balance": _balance,
    "currency": partial(_text, most=CURRENCY_CHARACTERS),
}
_REQUIRED = ("email", "first_name", "last_name", "phone_number")


def _minor(balance: int | str, decimals: int) -> int:
    if isinstance(balance, bool):
        raise BrokenLine("balance: Not a plain decimal number.")
    try:
        return to_minor(str(balance), decimals=decimals, field="balance", zero_allowed=True)
    except InvalidInput as error:
        raise BrokenLine(_reasons(error.details)) from error
    except AmountNotPositive as error:
        raise BrokenLine("balance: Must not be negative.") from error


def _reasons(reasons: Any) -> str:
    return "; ".join(f"{field}: {' '.join(reasons[field])}" for field in sorted(reasons))
