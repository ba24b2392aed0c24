"""Sign-up of clients and companies."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from knox.models import AuthToken

from accounts.models import Client, Company, User
from tests.factories import PHONE
from tests.http_client import Api
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
COMPANY = {"name": "Corner Shop", "url": "https://shop.example.com", **PERSON}
CREDENTIALS = {"email": "ada@example.com", "password": "correct-horse-7"}
AS_CLIENT = {**CREDENTIALS, "client": PERSON}
AS_COMPANY = {**CREDENTIALS, "company": COMPANY}
LONG_URL = "https://shop.example.com/" + "a" * 176

# fmt: off
ACCEPTED = (
    ("email",               "Ada.Lovelace+shop@Sub.Example.co.uk"),
    ("password",            " eight ch"),
    ("password",            "пароль-длинный"),
    ("password",            "7" * 511 + "x"),
    ("company.first_name",  "A"),
    ("company.first_name",  "A" * 150),
    ("company.last_name",   "Œuvré 李 👩‍🚀"),
    ("company.name",        "N" * 150),
    ("company.url",         "http://shop.example.com"),
    ("company.url",         "HTTPS://Shop.Example.com:8443/a?b=c#d"),
    ("company.phone_number", "+442071838750"),
    ("company.phone_number", "+12025550123"),
)
REFUSED = (
    # field                 value
    ("email",               ...),
    ("email",               None),
    ("email",               5),
    ("email",               True),
    ("email",               ["ada@example.com"]),
    ("email",               ""),
    ("email",               "ada"),
    ("email",               "ada@"),
    ("email",               "@example.com"),
    ("email",               "ada@example"),
    ("email",               "a da@example.com"),
    ("email",               "ada@example.com, ben@example.com"),
    ("email",               "Ada <ada@example.com>"),
    ("email",               "a" * 250 + "@example.com"),
    ("password",            ...),
    ("password",            None),
    ("password",            84719365028),
    ("password",            ""),
    ("password",            "short-7"),
    ("password",            "password1"),
    ("password",            "84719365028"),
    ("password",            "ada@example.com"),
    ("password",            "x" * 513),
    ("company.first_name",  ...),
    ("company.first_name",  None),
    ("company.first_name",  5),
    ("company.first_name",  ""),
    ("company.first_name",  "   "),
    ("company.first_name",  "A" * 151),
    ("company.first_name",  "\u200b\u2060"),  # zero-width characters
    ("company.first_name",  "\u3164"),  # a Hangul filler
    ("company.first_name",  "\u2065\u0378\ue000"),  # no characters
    ("company.first_name",  "\u0301"),  # an accent alone
    ("company.first_name",  "\ufffc\U0001d159"),
    ("company.last_name",   ...),
    ("company.last_name",   ""),
    ("company.last_name",   "A" * 151),
    ("company.name",        ...),
    ("company.name",        ""),
    ("company.name",        "N" * 151),
    ("company.name",        "\u2800\u00ad"),  # a blank symbol, a soft hyphen
    ("company.phone_number", ...),
    ("company.phone_number", None),
    ("company.phone_number", 34666666666),
    ("company.phone_number", ""),
    ("company.phone_number", "34666666666"),
    ("company.phone_number", "0034666666666"),
    ("company.phone_number", "+34 666 666 666"),
    ("company.phone_number", " +34666666666"),
    ("company.phone_number", "+34666666666\n"),
    ("company.phone_number", "+34-666666666"),
    ("company.phone_number", "(+34)666666666"),
    ("company.phone_number", "tel:+34666666666"),
    ("company.phone_number", "+34666666666x5"),
    ("company.phone_number", "+1"),
    ("company.phone_number", "+999666666666"),
    ("company.phone_number", "+34666666666666666"),
    ("company.phone_number", "+\u0663\u0664\u0666\u0666\u0666\u0666\u0666\u0666\u0666\u0666\u0666"),
    ("company.phone_number", "\uff0b34666666666"),
    ("company.phone_number", "+1800FLOWERS"),
    ("company.url",         5),
    ("company.url",         "   "),
    ("company.url",         "shop.example.com"),
    ("company.url",         "//shop.example.com"),
    ("company.url",         "ftp://shop.example.com"),
    ("company.url",         "javascript:alert(1)"),
    ("company.url",         "http://"),
    ("company.url",         "http:///path"),
    ("company.url",         "http://shop example.com"),
    ("company.url",         "http://["),
    ("company.url",         "http://shop.example.com]"),
    ("company.url",         "http://sh\u2100p.example.com"),  # no host once it is normalised
    ("company.url",         "http://shop.example.com:99999999"),
    ("company.url",         LONG_URL),
)
# fmt: on


@pytest.mark.parametrize(
    ("path", "body", "id_field", "profile"),
    [
        ("/client/signup", AS_CLIENT, "customer", Client),
        ("/company/signup", AS_COMPANY, "company", Company),
    ],
)
def test_sign_up_creates_an_account_and_logs_it_in(
    api: Api, path: str, body: dict[str, Any], id_field: str, profile: type[Client | Company]
) -> None:
    reply = api.post(path, body)

    assert reply.status == 201
    assert set(reply.json) == {"token", "expiry", id_field}
    user = User.objects.get()
    assert reply.json[id_field] == str(uuid.UUID(reply.json[id_field])) == str(user.pk)
    [person] = profile.objects.filter(user=user)
    assert (person.first_name, person.last_name, str(person.phone_number)) == (
        "Ada",
        "Lovelace",
        PHONE,
    )
    assert api.as_(reply.json["token"]).get("/wallet/list").json == []


def test_company_keeps_its_name_and_address(api: Api) -> None:
    api.post("/company/signup", AS_COMPANY)

    company = Company.objects.get()
    assert (company.name, company.url) == ("Corner Shop", "https://shop.example.com")


def test_expiry_is_in_utc_and_follows_the_setting(api: Api) -> None:
    reply = api.post("/client/signup", AS_CLIENT)

    expiry = reply.json["expiry"]
    assert expiry.endswith("Z")
    life = settings.REST_KNOX["TOKEN_TTL"]
    assert isinstance(life, timedelta)
    off = datetime.fromisoformat(expiry) - datetime.now(UTC) - life
    assert abs(off) < timedelta(minutes=1)


def test_neither_password_nor_token_is_stored_in_clear(api: Api) -> None:
    token = api.post("/client/signup", AS_CLIENT).json["token"]

    user, row = User.objects.get(), AuthToken.objects.get()
    assert user.password.startswith("argon2")
    assert CREDENTIALS["password"] not in user.password
    assert user.check_password(CREDENTIALS["password"])
    stored = [str(value) for value in vars(row).values()]
    assert not any(token in value for value in stored)
    # Knox stores a prefix to identify a token, which is only a small part of it.
    assert max(len(value) for value in stored if token.startswith(value)) <= len(token) / 4


@pytest.mark.parametrize(("field", "value"), ACCEPTED, ids=lambda value: ascii(value)[:40])
def test_value_is_accepted(api: Api, field: str, value: str) -> None:
    reply = api.post("/company/signup", _with(field, value))

    assert reply.status == 201
    log_in = {**CREDENTIALS, field: value} if "." not in field else CREDENTIALS
    assert api.post("/company/login", log_in).status == 200


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=lambda value: ascii(value)[:40])
def test_value_is_refused_and_no_account_is_created(api: Api, field: str, value: object) -> None:
    reply = api.post("/company/signup", _with(field, value))

    assert (reply.status, reply.code) == (422, "validation_error")
    assert list(reply.json["details"]) == [field]
    assert not User.objects.exists()
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"])
@pytest.mark.parametrize("path", ["/client/signup", "/company/signup"])
def test_email_is_taken_whatever_its_case_and_role(api: Api, email: str, path: str) -> None:
    api.post("/client/signup", AS_CLIENT)
    body = AS_CLIENT if "client" in path else AS_COMPANY

    reply = api.post(path, {**body, "email": email})

    assert (reply.status, reply.code) == (409, "email_taken")
    assert User.objects.count() == 1
    assert AuthToken.objects.count() == 1
    assert not Company.objects.exists()


def test_concurrent_sign_ups_with_one_email(api: Api) -> None:
    emails = ("ada@example.com", "ADA@Example.com")

    replies = race(
        2, lambda number: Api().post("/client/signup", {**AS_CLIENT, "email": emails[number]})
    )

    assert sorted(reply.status for reply in replies) == [201, 409]
    [refused] = [reply for reply in replies if reply.status == 409]
    assert refused.code == "email_taken"
    assert (User.objects.count(), Client.objects.count(), AuthToken.objects.count()) == (1, 1, 1)


def test_phone_number_is_not_unique(api: Api) -> None:
    replies = [
        api.post("/client/signup", {**AS_CLIENT, "email": f"ada{n}@example.com"}) for n in range(2)
    ]

    assert [reply.status for reply in replies] == [201, 201]


def test_a_token_in_the_request_is_ignored(api: Api) -> None:
    reply = api.as_("nonsense").post("/client/signup", AS_CLIENT)

    assert reply.status == 201


def _with(field: str, value: object) -> dict[str, Any]:
    """Return a company's sign-up with one field changed, or (`...`) left out."""
    body: dict[str, Any] = {**AS_COMPANY, "company": {**COMPANY}}
    outer, _, inner = field.rpartition(".")
    target = body[outer] if outer else body
    target[inner] = value
    if value is ...:
        del target[inner]
    return body


@pytest.mark.parametrize("url", [{}, {"url": None}, {"url": ""}])
def test_a_company_needs_no_website(api: Api, url: dict[str, Any]) -> None:
    company = {name: value for name, value in COMPANY.items() if name != "url"} | url

    reply = api.post("/company/signup", {**AS_COMPANY, "company": company})

    assert reply.status == 201
    assert Company.objects.get().url is None
    assert api.get(f"/customer/{reply.json['company']}").json == {"name": "Corner Shop"}


def test_a_name_may_have_invisible_characters_beside_others(api: Api) -> None:
    person = {**PERSON, "first_name": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"}

    assert api.post("/client/signup", {**AS_CLIENT, "client": person}).status == 201
    assert Client.objects.get().first_name == person["first_name"]
