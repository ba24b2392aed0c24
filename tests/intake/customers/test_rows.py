"""Parsing lines: which are valid, and the reasons why others are not."""

import json
import math
from typing import Any

import phonenumbers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from api.accounts.bodies import ClientProfileBody, PhoneField
from api.http.fields import AmountField, EmailField, TextField
from core.strict_json import parse_json
from intake.customers import rows
from intake.customers.phones import passes_fast_check
from intake.customers.rows import Customer, InvalidLine, parse_customer
from tests.factories import PHONE
from tests.intake.customers.customers import customer


class SignUpFields(ClientProfileBody):
    """The fields of a customer as the API declares them."""

    email = EmailField(max_length=254)
    balance = AmountField()
    currency = TextField(max_length=12)


# A slow machine must not fail a test.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0}

# fmt: off
INVALID: tuple[tuple[bytes | str | dict[str, Any], str], ...] = (
    # the line, or changes to a valid one      its reason
    ("{",                                       "Not JSON: Expecting property name"),
    ('{"email": NaN}',                          "Not JSON: NaN"),
    ('{"email": "a@b.cd"} x',                   "Not JSON: Extra data"),
    ('{"email": "a@b.cd", "email": "a@b.cd"}',  "Not JSON: A field stands twice"),
    (b'{"email": "\xff"}',                      "Not JSON: 'utf-8' codec"),
    ("[]",                                      "Not a JSON object"),
    ("7",                                       "Not JSON"),
    ("null",                                    "Not JSON"),
    ("{}",                                      "email: This field is required.; first_name: This"),
    ({"nickname": "Ada"},                       "nickname: Unknown field."),
    ({"password": "secret"},                    "password: Unknown field."),
    ({"email": ...},                            "email: This field is required."),
    ({"email": None},                           "email: This field may not be null."),
    ({"email": 7},                              "email: Enter a valid email address."),
    ({"email": 7.5},                            "email: Enter a valid email address."),
    ({"email": ""},                             "email: This field may not be blank."),
    ({"email": "ada"},                          "email: Enter a valid email address."),
    ({"email": "ada@example"},                  "email: Enter a valid email address."),
    ({"email": "a@b@example.com"},              "email: Enter a valid email address."),
    ({"email": "a" * 250 + "@b.com"},           "email: Ensure this field has no more than 254"),
    ({"email": "\u017fam@example.com"},         "email: Enter a valid email address."),
    ({"email": "ada@exam\u200bple.com"},        "email: Enter a valid email address."),
    ({"email": "ada@xn--a.com"},                "email: Enter a valid email address."),
    ({"email": "ada@[127.0.0.1]"},              "email: Enter a valid email address."),
    ({"email": "ada\x00@example.com"},          "email: Contains a NUL"),
    ({"first_name": " "},                       "first_name: This field may not be blank."),
    ({"first_name": "\u200b"},                  "first_name: Contains no visible character."),
    ({"last_name": "\u3164"},                   "last_name: Contains no visible character."),
    ({"first_name": "x" * 151},                 "first_name: Ensure this field has no more"),
    ({"last_name": "\ud800"},                   "last_name: Contains a NUL or a lone surrogate."),
    ({"last_name": ["Lovelace"]},               "last_name: Not a valid string."),
    ({"phone_number": "+1"},                    "phone_number: Not a valid phone number"),
    ({"phone_number": "34666666666"},           "phone_number: Not a valid phone number"),
    ({"phone_number": "+34 666 666 666"},       "phone_number: Not a valid phone number"),
    ({"phone_number": " " + PHONE},             "phone_number: Not a valid phone number"),
    ({"phone_number": "+34166666666"},          "phone_number: Not a valid phone number"),
    ({"phone_number": "+99966666666"},          "phone_number: Not a valid phone number"),
    ({"phone_number": 34666666666},             "phone_number: Not a valid string."),
    ({"balance": None},                         "balance: This field may not be null."),
    ({"balance": True},                         "balance: Not a plain decimal number."),
    ({"balance": "1e3"},                        "balance: Not a plain decimal number."),
    ({"balance": " 1"},                         "balance: Not a plain decimal number."),
    ({"balance": ""},                           "balance: Not a plain decimal number."),
    ({"balance": "٣"},                          "balance: Not a plain decimal number."),
    ({"balance": {}},                           "balance: Not a plain decimal number."),
    ({"balance": -1},                           "balance: Must not be negative."),
    ({"balance": 1.005},                        "balance: At most 2 decimals."),
    ({"balance": "1.5", "currency": "JPY"},     "balance: At most 0 decimals."),
    ({"balance": 10**16},                       "balance: Too large."),
    ({"currency": "usd"},                       "currency: There is no such currency"),
    ({"currency": "GOLD"},                      "currency: There is no such currency"),
    ({"currency": None},                        "currency: This field may not be null."),
    ({"currency": 840},                         "currency: Not a valid string."),
    ({"email": "x", "phone_number": "x"},       "email address.; phone_number: Not"),
)

VALID: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    # changes                                  fields of the customer
    ({},                                        {"balance_minor": 1_000, "currency": "USD"}),
    ({"balance": ...},                          {"balance_minor": 0}),
    ({"balance": 0},                            {"balance_minor": 0}),
    ({"balance": "0.00"},                       {"balance_minor": 0}),
    ({"balance": 12.5},                         {"balance_minor": 1_250}),
    ({"balance": "00012.50"},                   {"balance_minor": 1_250}),
    ({"balance": 10**15},                       {"balance_minor": 10**17}),
    ({"balance": 7, "currency": "JPY"},         {"balance_minor": 7, "currency": "JPY"}),
    ({"email": "ADA@Example.COM"},              {"email": "ada@example.com"}),
    ({"email": " ada@example.com "},            {"email": "ada@example.com"}),
    ({"email": "o'neil@bücher.example"},        {"email": "o'neil@xn--bcher-kva.example"}),
    ({"email": "bob@faß.de"},                   {"email": "bob@xn--fa-hia.de"}),
    ({"email": "BOB@XN--FA-HIA.de"},            {"email": "bob@xn--fa-hia.de"}),
    ({"first_name": " Ada  Augusta "},          {"first_name": "Ada  Augusta"}),
    ({"last_name": "Świątek-Żółć 🦊"},          {"last_name": "Świątek-Żółć 🦊"}),
    ({"last_name": "zero\u200bwidth"},          {"last_name": "zero\u200bwidth"}),
    ({"phone_number": "+14165550123"},          {"phone_number": "+14165550123"}),
    ({"phone_number": "+390612345678"},         {"phone_number": "+390612345678"}),
)
# fmt: on


@pytest.mark.parametrize(("invalid", "reason"), INVALID)
def test_invalid_line(invalid: bytes | str | dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidLine) as refusal:
        parse_customer(line_of(invalid), decimals_by_currency=DECIMALS)
    assert str(refusal.value).startswith(reason) or reason in str(refusal.value)


@pytest.mark.parametrize(("changes", "expected"), VALID)
def test_valid_line(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    parsed = parse_customer(line_of(changes), decimals_by_currency=DECIMALS)
    assert {name: parsed._asdict()[name] for name in expected} == expected


def test_an_exponent_is_no_amount() -> None:
    line = json.dumps(customer(1)).replace('"10.00"', "1E+2").encode()
    with pytest.raises(InvalidLine, match="Not a plain decimal number"):
        parse_customer(line, decimals_by_currency=DECIMALS)


_SOME_TEXT = st.text(max_size=8) | st.sampled_from(
    [
        "a@b.cd",
        "a@xn--a.cd",
        "a@xn--fa-hia.de",
        "a@faß.de",
        "\u3164",
        "a.b@c-d.ef",
        "A@B.CD",
        "a@b.c",
        "a..b@c.de",
        "a@-b.cd",
        "-a@b.cd",
        PHONE,
        "Ada",
    ]
)
_VALUES = _SOME_TEXT | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
# JSON has no infinities.
_FINITE = _VALUES.filter(lambda value: value not in (math.inf, -math.inf))


@PATIENT
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.just(value) | _VALUES
            for name, value in customer(1, currency="USD", nickname="x").items()
        },
    )
)
def test_the_fast_checks_decide_as_the_validators_do(fields: dict[str, Any]) -> None:
    line = json.dumps(fields).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_passes_fast_checks", lambda _: False)
        expected = _decided(line)
    assert _decided(line) == expected


def test_simple_emails_are_accepted() -> None:
    for email in ("a@b.cd", "a_b+c-d.e@x-1.y.museum", f"{'a' * 64}@{'b' * 63}.com"):
        assert rows._SIMPLE_EMAIL.fullmatch(email)
        assert (
            parse_customer(line_of({"email": email}), decimals_by_currency=DECIMALS).email == email
        )


@PATIENT
@given(st.from_regex(rows._SIMPLE_EMAIL, fullmatch=True).filter(lambda email: len(email) <= 254))
def test_sign_up_accepts_every_simple_email(email: str) -> None:
    assert SignUpFields().fields["email"].run_validation(email) == email.lower()


@PATIENT
@given(st.sampled_from(sorted(SignUpFields().fields)), _FINITE)
def test_a_validator_decides_as_the_field_of_sign_up_does(name: str, value: object) -> None:
    [parsed] = parse_json(json.dumps({"value": value}).encode()).values()
    try:
        expected: object = SignUpFields().fields[name].run_validation(parsed)
    except ValidationError as error:
        expected = f"{name}: {error.detail[0]}"  # type: ignore[index]
    try:
        decided: object = rows._VALIDATORS[name](parsed)
    except ValueError as error:
        decided = f"{name}: {error}"
    assert decided == expected


@PATIENT
@given(
    st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
    st.sampled_from(sorted(phonenumbers.PhoneNumberType.values())),
    st.integers(0, 14),
    st.sampled_from("0123456789"),
)
def test_a_phone_number_that_passes_the_fast_check_is_valid(
    region: str, kind: int, place: int, digit: str
) -> None:
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    place = 1 + place % (len(number) - 1)
    changed = number[:place] + digit + number[place + 1 :]
    for each in (number, changed, changed[:-1], changed + digit):
        if passes_fast_check(each):
            assert PhoneField(trim_whitespace=False).run_validation(each) == each


def test_most_valid_phone_numbers_pass_the_fast_check() -> None:
    examples = [
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        if (example := phonenumbers.example_number_for_type(region, 1)) is not None
    ]
    passed = [number for number in examples if passes_fast_check(number)]
    assert len(examples) > 200
    assert len(passed) > 0.95 * len(examples)


def test_invalid_phone_numbers_fail_the_fast_check() -> None:
    for number in ("", "+", "+34", "+3466666666", "666666666", "+٣٤666666666", "+34666666666\n"):
        assert not passes_fast_check(number)
        with pytest.raises(ValidationError):
            PhoneField(trim_whitespace=False).run_validation(number)


def line_of(row: bytes | str | dict[str, Any]) -> bytes:
    if isinstance(row, bytes):
        return row
    return (row if isinstance(row, str) else json.dumps(customer(1, **row))).encode()


def _decided(line: bytes) -> Customer | str:
    try:
        return parse_customer(line, decimals_by_currency=DECIMALS)
    except InvalidLine as error:
        return str(error)
