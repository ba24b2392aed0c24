"""Amounts in requests: every accepted and every refused spelling."""

import re
from decimal import Decimal

import pytest

from ledger.models import Transaction
from tests.factories import Holder, a_client

pytestmark = pytest.mark.usefixtures("books")

#: The largest amount: 10^15 major units.
MOST = 10**15

# fmt: off
ACCEPTED = (
    # as the JSON has it       minor units
    ("12.50",                  1_250),
    ("12.5",                   1_250),
    ("12",                     1_200),
    ("0.01",                   1),
    ("0.10",                   10),
    ("1.15",                   115),  # 1.15 * 100 is 114.99999999999999 in a float
    ("8.41",                   841),
    ('"12.50"',                1_250),
    ('"12.5"',                 1_250),
    ('"12"',                   1_200),
    ('"0.01"',                 1),
    ('"1.15"',                 115),
    ('"\\u0031\\u0032.50"',    1_250),  # JSON's own escapes are ASCII digits too
    ("999999999999999.99",     10**17 - 1),
    ('"999999999999999.99"',   10**17 - 1),
    (f"{MOST}",                10**17),
    (f"{MOST}.00",             10**17),
    (f'"{MOST}"',              10**17),
    (f'"{MOST}.00"',           10**17),
)
INVALID, MALFORMED, NOT_POSITIVE = (
    (422, "validation_error"),
    (400, "malformed_json"),
    (400, "amount_not_positive"),
)
REFUSED = (
    # foreign spellings of a number
    ('"+5"',                   *INVALID),
    ('" 5"',                   *INVALID),
    ('"5 "',                   *INVALID),
    ('"5\\n"',                 *INVALID),
    ('"\\t5"',                 *INVALID),
    ('"5\\u0000"',             *INVALID),
    ('"1_000"',                *INVALID),
    ('"1,000"',                *INVALID),
    ('"1 000"',                *INVALID),
    ('"12,50"',                *INVALID),
    ('".5"',                   *INVALID),
    ('"5."',                   *INVALID),
    ('"."',                    *INVALID),
    ('"-"',                    *INVALID),
    ('"--5"',                  *INVALID),
    ('"5-"',                   *INVALID),
    ('"1.2.3"',                *INVALID),
    ('"$5"',                   *INVALID),
    ('"5 USD"',                *INVALID),
    ('"0x10"',                 *INVALID),
    ('"five"',                 *INVALID),
    ('""',                     *INVALID),
    ('"\\uff15"',              *INVALID),  # full-width 5
    ('"\\u0665"',              *INVALID),  # Arabic-Indic 5
    ('"\\u06f5.50"',           *INVALID),  # Persian 5
    ('"\\u00b2"',              *INVALID),  # superscript 2
    ('"\\u22125"',             *INVALID),  # a real minus sign
    ('"\\ud800"',              *INVALID),  # a lone surrogate
    # exponents, as numbers and as strings
    ("1e2",                    *INVALID),
    ("1E2",                    *INVALID),
    ("1e+2",                   *INVALID),
    ("1E-2",                   *INVALID),
    ("1.55E1",                 *INVALID),
    ("1.0e0",                  *INVALID),
    ("0e0",                    *INVALID),
    ("1e400",                  *INVALID),
    ("1e999999999",            *INVALID),
    ('"1e2"',                  *INVALID),
    ('"1.55E1"',               *INVALID),
    ('"1e999999999"',          *INVALID),
    # no numbers at all
    ('"NaN"',                  *INVALID),
    ('"Infinity"',             *INVALID),
    ('"-Infinity"',            *INVALID),
    ('"inf"',                  *INVALID),
    ("true",                   *INVALID),
    ("false",                  *INVALID),
    ("null",                   *INVALID),
    ("[]",                     *INVALID),
    ("[5]",                    *INVALID),
    ("{}",                     *INVALID),
    ('{"amount": 5}',          *INVALID),
    # too many decimals
    ("12.505",                 *INVALID),
    ("0.001",                  *INVALID),
    ("5.000",                  *INVALID),
    ('"12.505"',               *INVALID),
    ('"5.000"',                *INVALID),
    (f"1.{'0' * 5_000}",       *INVALID),
    # too large
    (f"{MOST}.01",             *INVALID),
    (f'"{MOST}.01"',           *INVALID),
    (f"{MOST + 1}",            *INVALID),
    (f'"{MOST + 1}"',          *INVALID),
    (f"{10 * MOST}",           *INVALID),
    (f"{2**63}",               *INVALID),
    ("9" * 5_000,              *INVALID),
    (f'"{"9" * 5_000}"',       *INVALID),
    # well-formed, and no amount to move
    ("0",                      *NOT_POSITIVE),
    ("0.00",                   *NOT_POSITIVE),
    ('"0"',                    *NOT_POSITIVE),
    ('"0.00"',                 *NOT_POSITIVE),
    ("-0",                     *NOT_POSITIVE),
    ("-0.00",                  *NOT_POSITIVE),
    ('"-0"',                   *NOT_POSITIVE),
    ("-5",                     *NOT_POSITIVE),
    ("-5.00",                  *NOT_POSITIVE),
    ("-0.01",                  *NOT_POSITIVE),
    ('"-5"',                   *NOT_POSITIVE),
    ('"-5.00"',                *NOT_POSITIVE),
    # not JSON
    ("NaN",                    *MALFORMED),
    ("Infinity",               *MALFORMED),
    ("-Infinity",              *MALFORMED),
    ("+5",                     *MALFORMED),
    (".5",                     *MALFORMED),
    ("5.",                     *MALFORMED),
    ("05",                     *MALFORMED),
    ("0x10",                   *MALFORMED),
    ("1_000",                  *MALFORMED),
    ("1,000",                  *MALFORMED),
    ("'5'",                    *MALFORMED),
    ("--5",                    *MALFORMED),
    ("1e",                     *MALFORMED),
    ("\uff15",                 *MALFORMED),
)
# fmt: on


def _name(value: object) -> str | None:
    return ascii(value)[1:30] if isinstance(value, str) else None


@pytest.mark.parametrize(("amount", "minor"), ACCEPTED, ids=_name)
def test_amount_is_read_exactly(amount: str, minor: int) -> None:
    client = a_client()

    reply = client.api.post("/wallet/deposit", _body(client, amount))

    assert reply.status == 200
    assert client.balance_minor == minor
    assert reply.json["balance"] == Decimal(minor).scaleb(-2)


@pytest.mark.parametrize(("amount", "status", "code"), REFUSED, ids=_name)
def test_amount_is_refused_and_nothing_moves(amount: str, status: int, code: str) -> None:
    client = a_client()

    reply = client.api.post("/wallet/deposit", _body(client, amount))

    assert (reply.status, reply.code) == (status, code)
    if status == 422:
        assert list(reply.json["details"]) == ["amount"]
    assert client.balance_minor == 0
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("deposits", "total"),
    [
        ([], "0"),
        (["0.01"], "0.01"),
        (["0.1", "0.2"], "0.30"),
        (["100"], "100"),
        (["100.50"], "100.5"),
        (["1000000"], "1000000"),
        ([str(MOST)], str(MOST)),
        ([str(MOST), "0.01"], f"{MOST}.01"),
        (["999999999999999.99"], "999999999999999.99"),
    ],
)
def test_money_goes_out_as_an_exact_number(deposits: list[str], total: str) -> None:
    client = a_client()

    answers = [client.api.post("/wallet/deposit", _body(client, amount)) for amount in deposits]

    info = client.api.get(f"/wallet/info/{client.wallet_id}")
    wallets = client.api.get("/wallet/list")
    history = client.api.get(f"/wallet/history/{client.wallet_id}")
    for reply in (*answers, info, wallets, history):
        for spelled in _money_in(reply.raw):
            assert re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]{1,2})?", spelled), reply.raw
    for reply in (*answers[-1:], info, wallets):
        assert Decimal(_money_in(reply.raw)[0]) == Decimal(total)
    assert [row["balance"] for row in history.json[:1]] == [Decimal(total)] * bool(deposits)


def _body(client: Holder, amount: str) -> bytes:
    return f'{{"wallet": "{client.wallet_id}", "amount": {amount}}}'.encode()


def _money_in(raw: bytes) -> list[str]:
    """Return every amount of a JSON text as it is spelled there, quotes and all."""
    return re.findall(r'"(?:balance|available|amount)":\s*([^,}\]]+)', raw.decode())
