"""Invalid requests about holds, splits and the fee; `invalid_requests` includes them."""

from typing import Any

from tests.fuzz.refusals import (
    CURRENCY_MISMATCH,
    EXCEEDED,
    FORBIDDEN,
    GOLD,
    HOLD_ENDED,
    INVALID,
    MALFORMED,
    NOT_APPROVED,
    NOT_FOUND,
    NOT_POSITIVE,
    OTHER,
    OTHER_COMPANY,
    SAME_WALLET,
    TOO_MUCH_CAPTURED,
    TOO_MUCH_SPLIT,
    UNKNOWN_ID,
    WALLET,
)

SHOP = "{shop}"
#: The valid charge takes 1.
PART = {"wallet": OTHER, "amount": "0.50"}


def split(**changes: Any) -> dict[str, Any]:
    """Return a body's splits: one, with these fields changed, or (`...`) removed."""
    fields = {name: value for name, value in {**PART, **changes}.items() if value is not ...}
    return {"splits": [fields]}


#: As `VALID_BODIES`.
HOLD_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "/holds": ("company", {"wallet": WALLET, "amount": 1, "summary": "x", "expires_in": 60}),
    "/holds/{hold}/capture": ("company", {"amount": 1, "final": True}),
    "/holds/{hold}/increment": ("company", {"amount": 1}),
    "/holds/{hold}/void": ("company", {}),
    # Made by a pay token: one that names no most, one of 5.
    "/holds/{hold_of_paytoken}/increment": ("company", {"amount": 1}),
    "/holds/{hold_of_capped}/increment": ("company", {"amount": 1}),
    "/holds/{voided}/capture": ("company", {"amount": 1}),
    "/holds/{foreign_hold}/capture": ("company", {"amount": 1}),
}

# fmt: off
#: Of a charge and a capture alike. Payment requests of companies: `tests/commerce/test_splits.py`.
_WRONG_SPLITS: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"splits": None},                                                       *INVALID),
    ({"splits": {}},                                                         *INVALID),
    ({"splits": "x"},                                                        *INVALID),
    ({"splits": [None]},                                                     *INVALID),
    ({"splits": [[]]},                                                       *INVALID),
    ({"splits": [{**PART, "amount": "0.01"}] * 21},                          *INVALID),
    (split(summary="x"),                                                     *INVALID),
    (split(wallet=...),                                                      *INVALID),
    (split(wallet="x"),                                                      *INVALID),
    (split(wallet=5),                                                        *INVALID),
    (split(amount=...),                                                      *INVALID),
    (split(amount="0.001"),                                                  *INVALID),
    (split(amount=True),                                                     *INVALID),
    (split(amount=10**16),                                                   *INVALID),
    (split(amount=0),                                                        *NOT_POSITIVE),
    (split(amount="-0.01"),                                                  *NOT_POSITIVE),
    (split(wallet=UNKNOWN_ID),                                               *NOT_FOUND),
    (split(wallet="{funding}"),                                              *NOT_FOUND),
    (split(wallet="{fees}"),                                                 *NOT_FOUND),
    (split(wallet=GOLD),                                                     *CURRENCY_MISMATCH),
    (split(amount="1.01"),                                                   *TOO_MUCH_SPLIT),
    ({"splits": [PART, {**PART, "amount": "0.51"}]},                         *TOO_MUCH_SPLIT),
)
#: As `INVALID_BODIES`.
INVALID_HOLD_BODIES: tuple[tuple[str, Any, int, str], ...] = (
    ("/holds",                   {"wallet": ...},                            *INVALID),
    ("/holds",                   {"paytoken": "{paytoken}"},                 *INVALID),
    ("/holds",                   {"wallet": SHOP},                           *SAME_WALLET),
    ("/holds",                   {"wallet": UNKNOWN_ID},                     *NOT_FOUND),
    ("/holds",                   {"wallet": "{address}"},                    *NOT_FOUND),
    ("/holds",                   {"wallet": "{funding}"},                    *NOT_FOUND),
    ("/holds",                   {"wallet": GOLD},                           *CURRENCY_MISMATCH),
    ("/holds",                   {"wallet": "{careful}"},                    *NOT_APPROVED),
    ("/holds",                   {"wallet": ..., "paytoken": "{revoked}"},   *NOT_FOUND),
    ("/holds",                   {"wallet": ..., "paytoken": "{foreign}"},   *OTHER_COMPANY),
    ("/holds",                   {"wallet": ..., "paytoken": "{paytoken}", "amount": 6}, *EXCEEDED),
    ("/holds",                   {"amount": 0},                              *NOT_POSITIVE),
    ("/holds",                   {"amount": "1.005"},                        *INVALID),
    ("/holds",                   {"amount": ...},                            *INVALID),
    ("/holds",                   {"summary": ...},                           *INVALID),
    ("/holds",                   {"summary": "x" * 501},                     *INVALID),
    ("/holds",                   {"expires_in": 59},                         *INVALID),
    ("/holds",                   {"expires_in": 30 * 86_400 + 1},            *INVALID),
    ("/holds",                   {"expires_in": "60"},                       *INVALID),
    ("/holds",                   {"expires_in": True},                       *INVALID),
    ("/holds",                   {"expires_in": None},                       *INVALID),
    ("/holds",                   {"reference": "x" * 101},                   *INVALID),
    ("/holds",                   {"reference": "a\x00"},                     *INVALID),
    ("/holds",                   {"metadata": {"Key": "x"}},                 *INVALID),
    ("/holds",                   {"metadata": {str(n): "x" for n in range(21)}}, *INVALID),
    ("/holds",                   {"splits": []},                             *INVALID),
    ("/holds",                   {"status": "captured"},                     *INVALID),
    ("/holds",                   b"[]",                                      *MALFORMED),
    ("/holds/{hold}/capture",    {"amount": 0},                              *NOT_POSITIVE),
    ("/holds/{hold}/capture",    {"amount": "0.00"},                         *NOT_POSITIVE),
    ("/holds/{hold}/capture",    {"amount": -1},                             *NOT_POSITIVE),
    ("/holds/{hold}/capture",    {"amount": None},                           *INVALID),
    ("/holds/{hold}/capture",    {"amount": "0.001"},                        *INVALID),
    ("/holds/{hold}/capture",    {"amount": "5.01"},                         *TOO_MUCH_CAPTURED),
    ("/holds/{hold}/capture",    {"final": "true"},                          *INVALID),
    ("/holds/{hold}/capture",    {"final": 1},                               *INVALID),
    ("/holds/{hold}/capture",    {"final": None},                            *INVALID),
    ("/holds/{hold}/capture",    {"summary": "x"},                           *INVALID),
    ("/holds/{hold}/capture",    split(wallet=WALLET),                       *SAME_WALLET),
    ("/holds/{hold}/capture",    split(wallet=SHOP),                         *SAME_WALLET),
    ("/holds/{voided}/capture",  {},                                         *HOLD_ENDED),
    ("/holds/{foreign_hold}/capture", {},                                    *NOT_FOUND),
    ("/holds/{hold}/increment",  {"amount": ...},                            *INVALID),
    ("/holds/{hold}/increment",  {"amount": 0},                              *NOT_POSITIVE),
    ("/holds/{hold}/increment",  {"amount": "1e1"},                          *INVALID),
    ("/holds/{hold}/increment",  {"expires_in": 60},                         *INVALID),
    ("/holds/{hold_of_paytoken}/increment", {},                              *EXCEEDED),
    ("/holds/{hold_of_capped}/increment", {"amount": "4.01"},                *EXCEEDED),
    ("/holds/{hold}/void",       {"amount": 1},                              *INVALID),
    ("/holds/{hold}/void",       b"[]",                                      *MALFORMED),
    ("/wallet/charge",           split(wallet=WALLET),                       *SAME_WALLET),
    ("/wallet/charge",           split(wallet=SHOP),                         *SAME_WALLET),
    ("/wallet/charge",           split(wallet="{address}"),                  *SAME_WALLET),
    ("/wallet/charge",           {"fee": 1},                                 *INVALID),
    ("/wallet/charges",          {"charges": [{"wallet": WALLET, "amount": 1, "summary": "x",
                                               "splits": []}]},              *INVALID),
    ("/payment-requests",        split(),                                    *INVALID),
    ("/payment-requests",        split(amount=0),                            *INVALID),
    ("/wallet/refund",           {"fee": "all"},                             *INVALID),
    ("/wallet/refund",           {"fee": True},                              *INVALID),
    ("/wallet/refund",           {"fee": None},                              *INVALID),
    ("/wallet/refund",           {"splits": []},                             *INVALID),
    *((path, *wrong)
      for path in ("/wallet/charge", "/holds/{hold}/capture")
      for wrong in _WRONG_SPLITS),
)
#: As `INVALID_PATHS`.
INVALID_HOLD_PATHS: tuple[tuple[str, str, int, str], ...] = (
    ("GET",    "/holds?status=lost",                                         *INVALID),
    ("GET",    "/holds?limit=201",                                           *INVALID),
    ("GET",    "/holds?cursor=x",                                            *INVALID),
    ("GET",    "/holds?cursor=" + UNKNOWN_ID,                                *INVALID),
    ("GET",    "/holds?wallet=x",                                            *INVALID),
    ("GET",    "/holds?company={company}",                                   *INVALID),
    ("POST",   "/holds",                                                     *FORBIDDEN),
    ("GET",    "/holds/" + UNKNOWN_ID,                                       *NOT_FOUND),
    ("GET",    "/holds/{wallet}",                                            *NOT_FOUND),
    ("GET",    "/holds/{hold_of_other}",                                     *NOT_FOUND),
    ("GET",    "/holds/{hold}?wallet={wallet}",                              *INVALID),
    ("GET",    "/holds/1",                                                   *NOT_FOUND),
    ("POST",   "/holds/{hold}/capture",                                      *FORBIDDEN),
    ("POST",   "/holds/{hold}/increment",                                    *FORBIDDEN),
    ("POST",   "/holds/{hold}/void",                                         *FORBIDDEN),
    ("POST",   "/holds/1/void",                                              *NOT_FOUND),
)
# fmt: on
