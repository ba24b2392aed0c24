"""Invalid requests to all routes: each gets its error and leaves no row."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.api.http.test_access import ROUTES, fill_ids
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    an_operator,
    api_of,
    set_charges,
)
from tests.fuzz.invalid_paths import INVALID_PATHS
from tests.fuzz.invalid_requests import (
    INVALID_BODIES,
    INVALID_HEADERS,
    INVALID_PATCHES,
    INVALID_PUTS,
    PATCHED,
    PUT,
    VALID_BODIES,
    WITHOUT_KEY,
    WITHOUT_TOKEN,
)
from tests.http_client import Api
from tests.raw_server import a_raw_server, send
from wallets.assets import create_asset, system_wallet_id
from wallets.models import Purpose

pytestmark = pytest.mark.usefixtures("books")

TOO_LARGE = (413, "payload_too_large")

TABLES = (
    "accounts_client",
    "accounts_company",
    "accounts_ownlimits",
    "accounts_user",
    "commerce_charge",
    "commerce_paymentrequest",
    "intake_queuedtransaction",
    "core_idempotencyrecord",
    "accounts_supportaction",
    "knox_authtoken",
    "ledger_hold",
    "ledger_transaction",
    "procrastinate_jobs",
    "wallets_approval",
    "wallets_fee",
    "wallets_paytoken",
    "wallets_statuschange",
    "wallets_wallet",
)
_ROWS = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
_MONEY = (
    "SELECT id, balance_minor, held_minor, version, status, charges FROM wallets_wallet ORDER BY id"
)
_USES = "SELECT id, uses_left, revoked_at FROM wallets_paytoken ORDER BY id"


class Scenario:
    """Callers by name, and the ids that the names in the tables stand for."""

    def __init__(self) -> None:
        create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
        client, other = a_client(holds="100.00"), a_client(holds="100.00")
        company, other_company = a_company(holds="100.00"), a_company()
        operator = an_operator()
        self.callers = {
            "anonymous": Api(),
            "client": client.api,
            "company": company.api,
            "operator": api_of(operator),
        }
        credit = {"userId": str(client.user.pk), "assetSymbol": "GOLD", "amount": 100}
        assert self.callers["operator"].post("/api/v1/wallet/topup", credit).status == 200
        deposit = client.api.get(f"/wallet/history/{client.wallet_id}").json[-1]
        wallets = client.api.get("/wallet/list").json
        self.names: dict[str, Any] = {
            "wallet": client.wallet_id,
            "other": other.wallet_id,
            "shop": company.wallet_id,
            "gold": next(each["wallet"] for each in wallets if each["currency"] == "GOLD"),
            "client": client.user.pk,
            "other_client": other.user.pk,
            "operator": operator.pk,
            "deposit": deposit["transaction"],
            "charge": _charge(company, client),
            "foreign_charge": _charge(other_company, client),
            "backwards": "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
            "foreign_queued": other.api.post("/transaction", {"value": 1}).json["id"],
            **_payments(client, other, company, other_company),
            **_holds(client, other, company, other_company),
            **{str(purpose): system_wallet_id("USD", purpose) for purpose in Purpose},
        }

    def body(self, valid: Any, wrong: Any) -> bytes:
        if isinstance(wrong, bytes):
            return wrong
        whole = wrong if isinstance(wrong, list) else {**valid, **wrong}
        if isinstance(whole, dict):
            whole = {name: value for name, value in whole.items() if value is not ...}
        return json.dumps(fill_ids(whole, self.names)).encode()


def _charge(company: Holder, payer: Holder) -> str:
    paid = {"wallet": str(payer.wallet_id), "amount": 9, "summary": "x"}
    return str(company.api.post("/wallet/charge", paid).json["transaction"])


def _payments(
    client: Holder, other: Holder, company: Holder, other_company: Holder
) -> dict[str, Any]:
    """Return ids and texts of pay tokens, approvals and payment requests."""
    set_charges(careful := a_client(holds="5.00"), "approved")
    approval = {"wallet": str(other.wallet_id), "company": str(company.user.pk)}
    revoked = client.api.post("/paytokens", {"wallet": str(client.wallet_id)}).json
    assert client.api.call("DELETE", f"/paytokens/{revoked['id']}").status == 204

    def ask(**fields: Any) -> str:
        return str(company.api.post("/payment-requests", {"summary": "x", **fields}).json["id"])

    return {
        "address": client.wallet.address,
        "careful": careful.wallet_id,
        "company": company.user.pk,
        "paytoken": a_paytoken(client, max_amount=5, uses=100),
        "revoked": revoked["paytoken"],
        "foreign": a_paytoken(client, company=str(other_company.user.pk)),
        "foreign_paytoken": other.api.post("/paytokens", {"wallet": str(other.wallet_id)}).json[
            "id"
        ],
        "foreign_approval": other.api.post("/wallet/approvals", approval).json["approval"],
        "request": ask(amount=1),
        "open_amount": ask(),
        "tipped": ask(amount=1, tips=True),
    }


def _holds(client: Holder, other: Holder, company: Holder, other_company: Holder) -> dict[str, Any]:
    """Return ids of holds; what may still be taken of each is 5, or 1 of a pay token's."""

    def hold(by: Holder, **fields: Any) -> str:
        return str(by.api.post("/holds", {"amount": 5, "summary": "x", **fields}).json["hold"])

    voided = hold(company, wallet=str(client.wallet_id))
    assert company.api.post(f"/holds/{voided}/void").status == 200
    return {
        "hold": hold(company, wallet=str(client.wallet_id)),
        "voided": voided,
        "foreign_hold": hold(other_company, wallet=str(client.wallet_id)),
        "hold_of_other": hold(company, wallet=str(other.wallet_id)),
        "hold_of_paytoken": hold(company, paytoken=a_paytoken(client), amount=1),
        "hold_of_capped": hold(company, paytoken=a_paytoken(client, max_amount=5), amount=1),
    }


def _state() -> tuple[Any, ...]:
    """Return how many rows each table has, and what each wallet holds."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        rows = dict(zip(TABLES, cursor.fetchone(), strict=True))
        cursor.execute(_MONEY)
        wallets = cursor.fetchall()
        cursor.execute(_USES)
        return rows, wallets, cursor.fetchall()


#: Refusals that are recorded under the idempotency key: these requests are sent without one.
RECORDED = (
    "same_wallet",
    "currency_mismatch",
    "paytoken_exceeded",
    "splits_exceed_amount",
    "capture_exceeds_hold",
    "hold_not_active",
)
InvalidRequest = tuple[str, str, str, bytes, dict[str, str], int, str]


def _requests(scenario: Scenario) -> Iterator[InvalidRequest]:
    """Yield (caller, method, path, body, headers, status, code)."""
    tables = (("POST", INVALID_BODIES), ("PATCH", INVALID_PATCHES), ("PUT", INVALID_PUTS))
    for method, table in tables:
        for path, wrong, status, code in table:
            caller, valid = VALID_BODIES[path]
            yield caller, method, path, scenario.body(valid, wrong), {}, status, code
    for method, path, status, code in INVALID_PATHS:
        yield (
            "client",
            method,
            path,
            b"{}" if method in ("POST", "PATCH", "PUT") else b"",
            {},
            status,
            code,
        )
    for path, (caller, valid) in VALID_BODIES.items():
        method = "PATCH" if path in PATCHED else "PUT" if path in PUT else "POST"
        body = scenario.body(valid, {})
        for headers, status, code in INVALID_HEADERS:
            needs_token = "Authorization" in headers and path in WITHOUT_TOKEN
            if not needs_token and not ("Idempotency-Key" in headers and path in WITHOUT_KEY):
                yield caller, method, path, body, headers, status, code
        yield caller, method, path, body.ljust(1_048_577), {}, *TOO_LARGE


def test_every_route_is_in_a_table() -> None:
    patterns = [
        re.compile(re.sub(r"<(?:id|str|path):\w+>", "[^/]+", f"/{route}(?:\\?.*)?"))
        for route in ROUTES
    ]
    paths = [*VALID_BODIES, *(path for _, path, _, _ in INVALID_PATHS)]

    missing = [p.pattern for p in patterns if not any(p.fullmatch(path) for path in paths)]

    # Pages without parameters.
    assert [name.split("(")[0] for name in missing] == [
        "/api", "/api/redoc", "/api/schema", "/", "/metrics", "/admin",
    ]  # fmt: skip
    assert len(INVALID_BODIES) + len(INVALID_PATCHES) + len(INVALID_PATHS) >= 150


def test_each_request_is_refused_and_leaves_no_row() -> None:
    scenario = Scenario()
    before = _state()
    wrong = []

    for number, (caller, method, path, raw, headers, status, code) in enumerate(
        _requests(scenario)
    ):
        is_keyed = method == "POST" and code not in RECORDED
        key = {"Idempotency-Key": f"invalid-{number}"} if is_keyed else {}
        address = path.format_map(scenario.names)
        reply = scenario.callers[caller].call(method, address, raw, **(key | headers))
        actual = (reply.status, reply.code if reply.status >= 400 else reply.raw)
        if actual != (status, code) or _state() != before:
            wrong.append((caller, method, path, raw[:200], headers, actual, (status, code)))
            before = _state()

    assert wrong == [], "\n".join(map(str, wrong))


#: What a body is announced as and what is sent of it, by how the request breaks off. `%(body)b` is
#: all of the JSON.
HALF_BODIES = {
    "no body": b"Content-Length: %(more)d\r\n\r\n",
    "a byte less than announced": b"Content-Length: %(more)d\r\n\r\n%(body)b",
    "within a chunk": b"Transfer-Encoding: chunked\r\n\r\n%(more)x\r\n%(body)b",
    "before the last chunk": b"Transfer-Encoding: chunked\r\n\r\n%(size)x\r\n%(body)b\r\n",
    "in the last chunk": b"Transfer-Encoding: chunked\r\n\r\n%(size)x\r\n%(body)b\r\n0\r\n",
}


def test_each_request_that_breaks_off_is_refused_and_leaves_no_row() -> None:
    scenario = Scenario()
    before = _state()
    wrong = []

    with a_raw_server() as port:
        for path, (caller, valid) in VALID_BODIES.items():
            method = "PATCH" if path in PATCHED else "POST"
            body = scenario.body(valid, {})
            token = scenario.callers[caller]._token
            head = (
                f"{method} {path.format_map(scenario.names)} HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\nIdempotency-Key: half\r\n"
                + (f"Authorization: Token {token}\r\n" if token else "")
            ).encode()
            sizes = {b"body": body, b"size": len(body), b"more": len(body) + 1}
            whole = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
            for request in (
                *(head + half % sizes for half in HALF_BODIES.values()),
                head,
                whole.replace(b"Host: localhost\r\n", b""),
                whole.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" * 2),
            ):
                answer = send(port, request)
                is_right = b'"malformed_request"' in answer and answer.startswith(b"HTTP/1.1 400 ")
                if not is_right or b"Connection: close" not in answer or _state() != before:
                    wrong.append((path, request, answer[:300]))
                    before = _state()

    assert wrong == [], "\n".join(map(str, wrong))
