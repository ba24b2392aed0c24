"""Bodies that are not JSON objects, and bodies with wrong fields: nothing is written."""

import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from accounts.models import User
from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.api.http.wsgi import wsgi_response
from tests.factories import PHONE, Holder, a_client
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

MEGABYTE = 1_048_576
UUID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"
DEEP = 100_000

# fmt: off
MALFORMED = (
    ("not JSON",                  b"hello"),
    ("a form",                    b"wallet=1&amount=5"),
    ("cut off",                   b'{"wallet": "'),
    ("no closing brace",          b'{"amount": 5'),
    ("trailing text",             b'{"amount": 5} x'),
    ("two objects",               b'{"amount": 5}{"amount": 5}'),
    ("a comma too many",          b'{"amount": 5,}'),
    ("single quotes",             b"{'amount': 5}"),
    ("a comment",                 b'{"amount": 5} // five'),
    ("a bare field",              b"{amount: 5}"),
    ("a duplicate field",         b'{"amount": 5, "amount": 6}'),
    ("a duplicate, same value",   b'{"amount": 5, "amount": 5}'),
    ("a duplicate by escape",     b'{"amount": 5, "\\u0061mount": 5}'),
    ("a duplicate further in",    b'{"amount": {"a": 1, "a": 2}}'),
    ("a duplicate in an array",   b'{"amount": [{"a": 1, "a": 2}]}'),
    ("absurd nesting of arrays",  b"[" * DEEP + b"]" * DEEP),
    ("absurd and never closed",   b"[" * DEEP),
    ("absurd nesting of objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    ("absurd nesting in a field", b'{"amount": ' + b"[" * 1_000 + b"]" * 1_000 + b"}"),
    ("not UTF-8",                 b'{"amount": "\xff"}'),
    ("Latin-1",                   '{"amount": "é"}'.encode("latin-1")),
    ("UTF-16",                    '{"amount": 5}'.encode("utf-16")),
    ("a surrogate in UTF-8",      b'{"amount": "\xed\xa0\x80"}'),
    ("a byte order mark",         b'\xef\xbb\xbf{"amount": 5}'),
    ("a raw NUL",                 b'{"amount": "\x00"}'),
    ("a raw line break",          b'{"amount": "\n"}'),
    ("an array",                  b"[]"),
    ("an array of objects",       b'[{"amount": 5}]'),
    ("a number",                  b"5"),
    ("a string",                  b'"amount"'),
    ("true",                      b"true"),
    ("null",                      b"null"),
)

#: Changes of a valid transfer, and the fields that the error names.
INVALID: tuple[tuple[str, Any, set[str]], ...] = (
    ("nothing sent",              b"", {"source", "target", "amount"}),
    ("an empty object",           {}, {"source", "target", "amount"}),
    ("an unknown field",          {"extra": 1}, {"extra"}),
    ("a field in another case",   {"Amount": 5}, {"Amount"}),
    ("unknown, and an exotic name", {"a\nb\u20ac": 1}, {"a\nb\u20ac"}),
    ("NUL in a name",             {"a\x00": 1}, {"a\x00"}),
    ("a surrogate in a name",     {"a\ud800": 1}, {"a\\ud800"}),
    ("unknown and wrong at once", {"extra": 1, "amount": True}, {"extra", "amount"}),
    ("no source",                 {"source": ...}, {"source"}),
    ("no amount",                 {"amount": ...}, {"amount"}),
    ("NUL in a text",             {"summary": "a\x00b"}, {"summary"}),
    ("a high surrogate in a text", {"summary": "a\ud800"}, {"summary"}),
    ("a low surrogate in a text", {"summary": "\udc00b"}, {"summary"}),
    ("surrogates the wrong way round", {"summary": "\udc00\ud800"}, {"summary"}),
    ("a text: number",            {"summary": 5}, {"summary"}),
    ("a text: fraction",          {"summary": 5.5}, {"summary"}),
    ("a text: true",              {"summary": True}, {"summary"}),
    ("a text: null",              {"summary": None}, {"summary"}),
    ("a text: array",             {"summary": ["a"]}, {"summary"}),
    ("a text: object",            {"summary": {}}, {"summary"}),
    ("an id: number",             {"source": 5}, {"source"}),
    ("an id: null",               {"source": None}, {"source"}),
    ("an id: true",               {"source": True}, {"source"}),
    ("an id: array",              {"source": [UUID]}, {"source"}),
    ("an id: object",             {"source": {}}, {"source"}),
    ("an id: empty",              {"source": ""}, {"source"}),
    ("an id: words",              {"source": "my wallet"}, {"source"}),
    ("an id: without hyphens",    {"source": UUID.replace("-", "")}, {"source"}),
    ("an id: hyphens elsewhere",  {"source": "0b8e3d567-d0f-4b56-9f6a-5f0f4f4a8f11"}, {"source"}),
    ("an id: in braces",          {"source": f"{{{UUID}}}"}, {"source"}),
    ("an id: as a URN",           {"source": f"urn:uuid:{UUID}"}, {"source"}),
    ("an id: a space after it",   {"source": f"{UUID} "}, {"source"}),
    ("an id: a line break after", {"source": f"{UUID}\n"}, {"source"}),
    ("an id: one digit too many", {"source": f"{UUID}0"}, {"source"}),
    ("an id: foreign digits",     {"source": UUID.replace("0", "\u0660")}, {"source"}),
)

SIGN_UP_REFUSED: tuple[tuple[str, Any, int, str], ...] = (
    ("a duplicate in the profile", b'{"email": "a@example.com", "client": {"a": 1, "a": 1}}',
                                                                 400, "malformed_json"),
    ("no profile",                 {"client": ...},              422, "validation_error"),
    ("the other role's profile",   {"company": {}},              422, "validation_error"),
    ("a profile: null",            {"client": None},             422, "validation_error"),
    ("a profile: text",            {"client": "Ada"},            422, "validation_error"),
    ("a profile: array",           {"client": []},               422, "validation_error"),
    ("an empty profile",           {"client": {}},               422, "validation_error"),
    ("NUL in the email",           {"email": "a\x00@example.com"}, 422, "validation_error"),
    ("a surrogate in the email",   {"email": "a\ud800@example.com"}, 422, "validation_error"),
    ("NUL in the password",        {"password": "correct\x00horse"}, 422, "validation_error"),
    ("a surrogate in the password", {"password": "correct\udfffhorse"}, 422, "validation_error"),
)

CONTENT_TYPES = (
    ("application/json",                       200),
    ("application/json; charset=utf-8",        200),
    ("application/json;charset=UTF-8",         200),
    ("Application/JSON",                       200),
    ("",                                       415),
    ("text/plain",                             415),
    ("text/json",                              415),
    ("application/x-www-form-urlencoded",      415),
    ("multipart/form-data; boundary=x",        415),
    ("application/xml",                        415),
    ("application/merge-patch+json",           415),
    ("application/jsonx",                      415),
    ("nonsense",                               415),
)
# fmt: on


@pytest.mark.parametrize("raw", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_body_that_is_not_a_json_object_is_malformed(raw: bytes) -> None:
    client = a_client()

    reply = client.api.post("/wallet/deposit", raw, key="k")

    assert (reply.status, reply.code) == (400, "malformed_json")
    assert_no_trace(users=1)


@pytest.mark.parametrize(
    ("changes", "fields"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID]
)
def test_a_body_with_wrong_fields_is_invalid(changes: Any, fields: set[str]) -> None:
    client, other = a_client(), a_client()
    good = {"source": str(client.wallet_id), "target": str(other.wallet_id), "amount": 5}
    body = changed(good, changes) if changes else changes

    reply = client.api.post("/wallet/transfer", body, key="k")

    assert (reply.status, reply.code) == (422, "validation_error")
    assert set(reply.json["details"]) == fields
    assert all(
        reasons and all(isinstance(reason, str) for reason in reasons)
        for reasons in reply.json["details"].values()
    )
    assert_no_trace(users=2)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [row[1:] for row in SIGN_UP_REFUSED],
    ids=[row[0] for row in SIGN_UP_REFUSED],
)
def test_refused_sign_up_leaves_no_user(api: Api, changes: Any, status: int, code: str) -> None:
    good = {
        "email": "ada@example.com",
        "password": "correct-horse-7",
        "client": {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE},
    }
    body = changes if isinstance(changes, bytes) else changed(good, changes)

    reply = api.post("/client/signup", body)

    assert (reply.status, reply.code) == (status, code)
    assert_no_trace(users=0)


def test_reasons_name_the_field_inside_the_object(api: Api) -> None:
    reply = api.post(
        "/client/signup",
        {
            "email": "ada@example.com",
            "password": "correct-horse-7",
            "client": {"first_name": "Ada", "phone_number": 5, "extra": 1},
        },
    )

    assert reply.code == "validation_error"
    assert set(reply.json["details"]) == {
        "client.last_name",
        "client.phone_number",
        "client.extra",
    }
    assert_no_trace(users=0)


@pytest.mark.parametrize("path", ["/wallet/create", "/client/logout"])
def test_no_body_is_an_empty_object(path: str) -> None:
    client = a_client()

    reply = client.api.call("POST", path)

    assert reply.status in (201, 204)


def test_empty_body_needs_no_content_type() -> None:
    client = a_client()
    headers = {"Content-Type": ""}

    reply = client.api.call("POST", "/wallet/create", b"", **headers)

    assert reply.status == 201


@pytest.mark.parametrize(("content_type", "status"), CONTENT_TYPES)
def test_content_type(content_type: str, status: int) -> None:
    client = a_client()

    reply = _deposit(client, content_type=content_type)

    assert reply.status == status
    if status == 415:
        assert reply.code == "unsupported_media_type"
        assert_no_trace(users=1)


@pytest.mark.parametrize(
    ("size", "status"), [(MEGABYTE, 200), (MEGABYTE + 1, 413), (3 * MEGABYTE, 413)]
)
def test_one_megabyte_is_the_limit(size: int, status: int) -> None:
    client = a_client()

    reply = _deposit(client, size=size)

    assert reply.status == status
    if status == 413:
        assert reply.code == "payload_too_large"
        assert_no_trace(users=1)


def changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the body with some fields changed, added or (`...`) removed."""
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def assert_no_trace(*, users: int) -> None:
    assert not Transaction.objects.exists()
    assert not IdempotencyRecord.objects.exists()
    assert User.objects.count() == users


def _deposit(client: Holder, *, size: int = 0, content_type: str = "application/json") -> Reply:
    """Deposit with a body of `size` bytes, padded with white space after the object."""
    raw = json.dumps({"wallet": str(client.wallet_id), "amount": 5}).encode().ljust(size)
    return client.api.call(
        "POST", "/wallet/deposit", raw, **{"Content-Type": content_type, "Idempotency-Key": "k"}
    )


def test_a_charset_other_than_utf8_is_unsupported() -> None:
    client = a_client()

    latin = client.api.post(
        "/wallet/create", b"{}", **{"Content-Type": "application/json; charset=latin-1"}
    )
    utf8 = client.api.post(
        "/wallet/create", b"{}", **{"Content-Type": "application/json; charset=UTF-8"}
    )

    assert (latin.status, latin.code) == (415, "unsupported_media_type")
    assert utf8.status == 201


def test_a_content_type_that_cannot_be_parsed_is_unsupported() -> None:
    client = a_client()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/wallet/create",
        "CONTENT_TYPE": "application/json; charset*=unheard-of'en'utf-8",
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
        "HTTP_AUTHORIZATION": f"Token {client.api._token}",
    }
    setup_testing_defaults(environ)

    status, _, body = wsgi_response(environ)

    assert status == "415 Unsupported Media Type"
    assert json.loads(body)["code"] == "unsupported_media_type"


def test_an_error_names_at_most_twenty_unknown_fields(api: Api) -> None:
    reply = api.post("/client/login", {f"extra{number}": 1 for number in range(5_000)})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert len(reply.json["details"]) == 22


@pytest.mark.parametrize("query", ["status=open", "no_such_parameter=1"])
def test_a_query_that_a_get_takes_is_refused_by_a_post_on_the_same_path(query: str) -> None:
    api, path = a_client().api, f"/payment-requests?{query}"

    reply = api.post(path, {"summary": "Tea", "amount": 1})

    assert (reply.status, reply.code) == (422, "validation_error")
    assert api.get("/payment-requests").json == []
