"""Conversion of money: exact decimals in requests and answers, whole minor units elsewhere.

An amount is a whole number of minor units (`amount_minor`): with an asset of 2 decimals, `12.50` is
1250 minor units. Nothing here uses a float.
"""

import re
from decimal import Decimal

from core.errors import InvalidInput, RuleBroken

MAX_MAJOR_UNITS = 10**15
MAX_AMOUNT_MINOR = 10**17

_PLAIN_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


class AmountNotPositive(RuleBroken):
    # Only the amount decides this, not the state of the ledger: the idempotency key stays free.
    recorded = False
    code = "amount_not_positive"
    message = "The amount must be greater than zero."


def is_plain_decimal(text: str) -> bool:
    """Whether `text` is digits with at most one inner point and a minus; no exponent or space."""
    return _PLAIN_DECIMAL.fullmatch(text) is not None


def to_minor(
    amount: str, *, decimals: int, field: str = "amount", zero_allowed: bool = False
) -> int:
    """Turn a plain decimal such as `"12.50"` into minor units (1250 at 2 decimals).

    Raises `InvalidInput` (not plain, too many decimals, too large) and `AmountNotPositive`.
    """
    match = _PLAIN_DECIMAL.fullmatch(amount)
    if match is None:
        raise InvalidInput({field: ["Not a plain decimal number."]})
    sign, whole, fraction = match.group(1), match.group(2).lstrip("0"), match.group(3) or ""
    if len(fraction) > decimals:
        raise InvalidInput({field: [f"At most {decimals} decimals."]})
    if len(whole) > len(str(MAX_MAJOR_UNITS)):
        raise InvalidInput({field: ["Too large."]})
    amount_minor = int((whole or "0") + fraction.ljust(decimals, "0"))
    if amount_minor > min(MAX_MAJOR_UNITS * 10**decimals, MAX_AMOUNT_MINOR):
        raise InvalidInput({field: ["Too large."]})
    if amount_minor == 0 and zero_allowed:
        return 0
    if sign or amount_minor == 0:
        raise AmountNotPositive
    return amount_minor


def plain(amount: Decimal) -> str:
    """Return an amount digit for digit: `0.00000042`. `str` would write `4.2E-7`, and `0E-8`."""
    return format(amount, "f")


def to_major(amount_minor: int, *, decimals: int) -> Decimal:
    """Turn minor units into the exact decimal: 1250 at 2 decimals is `Decimal("12.50")`."""
    return Decimal(amount_minor).scaleb(-decimals)
