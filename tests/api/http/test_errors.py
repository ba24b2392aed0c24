"""Errors: the same body for every error, from Django, REST framework and the service."""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from ledger.models import Transaction
from tests.api.http.wsgi import wsgi_response
from tests.factories import Holder, a_client, a_company
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

TOO_LARGE = b" " * 1_048_577
HTML = {"Accept": "text/html"}
NO_JSON = {"Accept": "application/json;q=0, */*"}
RANGE = {"Range": "bytes=99999999-"}
FILE = "/static/admin_desk/desk.css"
PLAIN = {"Content-Type": "text/plain"}
ID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"

# fmt: off
#: Without a token: method, path, body, headers, status, code
ERRORS: tuple[tuple[str, str, bytes, dict[str, str], int, str], ...] = (
    ("GET",    "/",                       b"", {},    404, "not_found"),
    ("GET",    "/nothing/here",           b"", {},    404, "not_found"),
    ("POST",   "/nothing/here",           b"{}", {},  404, "not_found"),
    ("GET",    "/status/",                b"", {},    404, "not_found"),
    ("GET",    "/administrator",          b"", {},    404, "not_found"),
    ("GET",    "/%ff%00",                 b"", {},    404, "not_found"),
    ("GET",    "/nothing/%E2%82%AC",      b"", {},    404, "not_found"),
    ("POST",   "/status",                 b"", {},    405, "method_not_allowed"),
    ("GET",    "/wallet/deposit",         b"", {},    405, "method_not_allowed"),
    ("DELETE", "/wallet/deposit",         b"", {},    405, "method_not_allowed"),
    ("PUT",    "/client/signup",          b"{}", {},  405, "method_not_allowed"),
    ("PATCH",  "/wallet/list",            b"{}", {},  405, "method_not_allowed"),
    ("POST",   FILE,                      b"{}", {},  405, "method_not_allowed"),
    ("POST",   "/metrics",                b"{}", {},  405, "method_not_allowed"),
    ("POST",   "/api/redoc",              b"{}", {},  405, "method_not_allowed"),
    ("POST",   "/admin",                  b"{}", {},  405, "method_not_allowed"),
    ("GET",    FILE,                      b"", RANGE, 416, "range_not_satisfiable"),
    ("GET",    "/static/nothing.js",      b"", {},    404, "not_found"),
    ("OPTIONS", "/wallet/list",           b"", {},    405, "method_not_allowed"),
    ("TRACE",  "/wallet/list",            b"", {},    405, "method_not_allowed"),
    ("BREW",   "/wallet/list",            b"", {},    405, "method_not_allowed"),
    ("GET",    "/status",                 b"", HTML,  406, "not_acceptable"),
    ("GET",    "/status",                 b"", NO_JSON, 406, "not_acceptable"),
    ("POST",   "/wallet/deposit",         TOO_LARGE, {}, 413, "payload_too_large"),
    ("POST",   "/nothing/here",           TOO_LARGE, {}, 413, "payload_too_large"),
    ("POST",   "/client/login",           b"x", PLAIN, 415, "unsupported_media_type"),
    ("POST",   "/client/login",           b"x", {},   400, "malformed_json"),
    ("POST",   "/client/login",           b"{}", {},  422, "validation_error"),
    ("GET",    "/wallet/list",            b"", {},    401, "not_authenticated"),
    ("POST",   "/wallet/deposit",         b"x", {},   401, "not_authenticated"),
    ("GET",    "/wallet/list",            b"", {"Host": "evil.example"}, 400, "bad_request"),
    ("GET",    "/nothing",                b"", {"Host": "evil.example"}, 400, "bad_request"),
    ("GET",    "/status",                 b"", {"Host": "a b"}, 400, "bad_request"),
)
#: With the token of a client that has a wallet: the same columns
ERRORS_OF_A_CLIENT: tuple[tuple[str, str, bytes, dict[str, str], int, str], ...] = (
    ("GET",    "/wallet/list",            b"", HTML,  406, "not_acceptable"),
    ("POST",   "/wallet/charge",          b"{}", {},  403, "permission_denied"),
    ("POST",   "/wallet/refund",          b"{}", {},  403, "permission_denied"),
    ("GET",    f"/wallet/info/{ID}",      b"", {},    404, "not_found"),
    ("GET",    f"/wallet/history/{ID}",   b"", {},    404, "not_found"),
    ("GET",    "/wallet/info/my-wallet",  b"", {},    404, "not_found"),
    ("GET",    "/wallet/info/5",          b"", {},    404, "not_found"),
    ("GET",    f"/wallet/info/{ID}0",     b"", {},    404, "not_found"),
    ("GET",    f"/wallet/info/{ID}/",     b"", {},    404, "not_found"),
    ("GET",    f"/wallet/info/{ID}%0A",   b"", {},    404, "not_found"),
    ("GET",    f"/wallet/info/{ID}%00",   b"", {},    404, "not_found"),
    ("GET",    f"/wallet/info/%7B{ID}%7D", b"", {},   404, "not_found"),
    ("GET",    f"/wallet/info/{ID.replace('-', '')}", b"", {}, 404, "not_found"),
    ("GET",    "/wallet/history/nonsense", b"", {},   404, "not_found"),
)
AUTHORIZATIONS = (
    ("Token nonsense",            "invalid_token"),
    ("Bearer nonsense",           "invalid_token"),
    ("Token",                     "invalid_token"),
    ("Bearer ",                   "invalid_token"),
    ("Token \xe9\xff",            "invalid_token"),
    ("Token a b",                 "invalid_token"),
    ("Basic YWRhOnB3",            "invalid_token"),
    ("nonsense",                  "invalid_token"),
    ("",                          "not_authenticated"),
)
# fmt: on
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A page of an allowed origin may read the error.
    "Access-Control-Allow-Origin": "http://localhost:8000",
}
VALID_REQUEST_IDS = ("a", "abc-123", ID, "Root=1-67891233-abcdef", "x" * 128)
INVALID_REQUEST_IDS = ("", " ", "a b", "x" * 129, 'a"b', "<script>", "a\x07", "\xe9", "a,b;c")


class Case(NamedTuple):
    """A request, and the error that it must get."""

    method: str
    path: str
    raw: bytes
    headers: dict[str, str]
    status: int
    code: str

    def __str__(self) -> str:
        return f"{self.method} {self.path!a} {self.status} {self.code}"

    @property
    def decoded_path(self) -> str:
        """The path as the error body has it: decoded, except bytes that are not UTF-8."""
        return unquote(self.path.replace("%ff", "%25FF"))


def assert_error(reply: Reply, path: str, status: int, code: str) -> None:
    """Check the eight fields of the error body and the headers of every answer."""
    assert (reply.status, reply.code) == (status, code)
    body = reply.json
    assert body["path"] == path
    assert body["error"] == HTTPStatus(status).phrase
    assert re.fullmatch(r"[A-Z].+\.", body["message"]), "a sentence for a person"
    assert isinstance(body["details"], dict)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["timestamp"])
    age = datetime.now(UTC) - datetime.fromisoformat(body["timestamp"])
    assert abs(age) < timedelta(minutes=1)
    assert body["requestId"] == reply.headers["X-Request-ID"]
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)
    assert ("Retry-After" in reply.headers) == (status in (429, 503))


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("case", [Case(*row) for row in ERRORS], ids=str)
def test_error_without_a_token(api: Api, settings: Settings, case: Case, debug: bool) -> None:
    settings.DEBUG = debug

    reply = api.call(case.method, case.path, case.raw, **case.headers)

    assert_error(reply, case.decoded_path, case.status, case.code)


@pytest.mark.parametrize("case", [Case(*row) for row in ERRORS_OF_A_CLIENT], ids=str)
def test_error_of_a_client(case: Case) -> None:
    client = a_client()

    reply = client.api.call(case.method, case.path, case.raw, **case.headers)

    assert_error(reply, case.decoded_path, case.status, case.code)


@pytest.mark.parametrize(("authorization", "code"), AUTHORIZATIONS)
def test_invalid_authorization(api: Api, authorization: str, code: str) -> None:
    reply = api.get("/wallet/list", Authorization=authorization)

    assert_error(reply, "/wallet/list", 401, code)


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_token_and_bearer_are_the_same(scheme: str) -> None:
    client = a_client()
    token = client.api._token

    reply = Api().get("/wallet/list", Authorization=f"{scheme} {token}")

    assert reply.status == 200
    assert [wallet["wallet"] for wallet in reply.json] == [str(client.wallet_id)]


@pytest.mark.parametrize("path", ["/wallet/deposit", "/wallet/list", "/status", "/client/signup"])
def test_allow_names_the_methods_that_work(api: Api, path: str) -> None:
    reply = api.call("BREW", path)

    allowed = reply.headers["Allow"].split(", ")
    assert reply.status == 405
    assert allowed
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert (api.call(method, path).status != 405) == (method in allowed), method


@pytest.mark.parametrize(
    "accept",
    ["", " ", ",", "*/*", "application/*", "application/json", "text/html, */*;q=0.1",
     "application/json; charset=utf-8", "application/json;q=0.001", "*/*;q=0, application/json"],
)  # fmt: skip
def test_accept_headers_that_allow_json(api: Api, accept: str) -> None:
    reply = api.get("/status", Accept=accept)

    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    ["text/html", "*/*;q=0", "application/json;q=0", "application/json;q=0, */*",
     "application/*;q=0.0, */*;q=0.5", "application/json;q=0.000, application/*", "*", "json"],
)  # fmt: skip
def test_accept_headers_that_refuse_json(api: Api, accept: str) -> None:
    reply = api.get("/status", Accept=accept)

    assert_error(reply, "/status", 406, "not_acceptable")


def test_refused_ranges_and_methods_of_a_file_keep_their_headers(api: Api) -> None:
    method, range_ = api.post(FILE), api.get(FILE, **RANGE)

    assert set(method.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert re.fullmatch(r"bytes \*/[0-9]+", range_.headers["Content-Range"])


def test_details_of_invalid_input_map_each_field_to_its_reasons() -> None:
    client = a_client()

    reply = client.api.post("/wallet/deposit", {"wallet": 5, "extra": 1})

    assert_error(reply, "/wallet/deposit", 422, "validation_error")
    details = reply.json["details"]
    assert set(details) == {"wallet", "amount", "extra"}
    for reasons in details.values():
        assert reasons
        assert all(isinstance(reason, str) for reason in reasons)


def test_too_many_requests(settings: Settings) -> None:
    client = a_client()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "1/d"}

    first, second = client.api.get("/wallet/list"), client.api.get("/wallet/list")

    assert first.status == 200
    assert_error(second, "/wallet/list", 429, "rate_limited")
    assert re.fullmatch("[1-9][0-9]*", second.headers["Retry-After"])


@pytest.mark.parametrize("debug", [False, True])
def test_unexpected_exception_is_a_json_error_and_nothing_moves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    client = a_client()
    settings.DEBUG = debug
    monkeypatch.setattr("ledger.post_once.execute_autocommitted", _crash)

    reply = _deposit(client, key="k")
    monkeypatch.undo()
    again = _deposit(client, key="k")

    assert_error(reply, "/wallet/deposit", 500, "internal_error")
    assert b"secret" not in reply.raw
    assert again.status == 200, "the key stayed free"
    assert "Idempotent-Replayed" not in again.headers
    assert (client.balance_minor, Transaction.objects.count()) == (500, 1)


@pytest.mark.parametrize("path", ["/status", "/nothing", "/wallet/list"])
@pytest.mark.parametrize("request_id", VALID_REQUEST_IDS)
def test_valid_request_id_is_returned(api: Api, request_id: str, path: str) -> None:
    reply = api.get(path, **{"X-Request-ID": request_id})

    assert reply.headers["X-Request-ID"] == request_id
    assert reply.json.get("requestId", request_id) == request_id


@pytest.mark.parametrize("request_id", INVALID_REQUEST_IDS)
def test_invalid_request_id_is_replaced(api: Api, request_id: str) -> None:
    replies = [api.get("/nothing", **{"X-Request-ID": request_id}) for _ in range(2)]

    new_ids = {reply.headers["X-Request-ID"] for reply in replies}
    assert len(new_ids) == 2
    assert request_id not in new_ids
    assert {reply.json["requestId"] for reply in replies} == new_ids


@pytest.mark.parametrize(
    ("path", "raw", "status"),
    [
        ("/wallet/deposit", b"{}", 401),
        ("/nothing", b"{}", 404),
        ("/status", b"", 405),
        ("/client/login", TOO_LARGE, 413),
        ("/client/login", b"{}", 422),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_security_headers_are_on_every_answer(api: Api, path: str, raw: bytes, status: int) -> None:
    reply = api.call("POST", path, raw, Origin="http://localhost:8000")

    assert reply.status == status
    assert {name: reply.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert reply.headers["Content-Length"] == str(len(reply.raw))


def test_answers_with_money_are_not_stored() -> None:
    client, company = a_client(holds="10.00"), a_company()

    replies = [
        client.api.get("/wallet/list"),
        client.api.get(f"/wallet/info/{client.wallet_id}"),
        client.api.get(f"/wallet/history/{client.wallet_id}"),
        _deposit(client, key="k"),
        _deposit(client, key="k"),
        company.api.post(
            "/wallet/charge", {"wallet": str(client.wallet_id), "amount": 99, "summary": ""}
        ),
    ]

    assert [reply.status for reply in replies] == [200, 200, 200, 200, 200, 400]
    assert [reply.headers["Cache-Control"] for reply in replies] == ["no-store"] * 6


def _deposit(client: Holder, *, key: str) -> Reply:
    return client.api.post(
        "/wallet/deposit", {"wallet": str(client.wallet_id), "amount": 5}, key=key
    )


def _crash(*_: Any) -> Any:
    raise RuntimeError("a secret of ours")


def test_head_has_a_content_length_and_no_body() -> None:
    status, headers, body = wsgi_response(RequestFactory().head("/status").environ)

    assert (status, body) == ("200 OK", b"")
    assert int(headers["Content-Length"]) > 0
