"""The permissions of each route, method and role.

A route or a method that is not in the table fails a test. The ids in the rows are the client's; the
charge, the payment requests and the holds are the company's.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from tests.factories import Holder, a_client, a_company, a_staff_member, an_operator, api_of
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
W, U = "{wallet}", "{client}"
PAY = {"wallet": W, "amount": 1, "summary": "x"}
CASH = {"wallet": W, "amount": 1}
SEND = {"source": W, "target": "{another}", "amount": 1}
FUND = {"walletId": W, "amount": 1}
MOVE = {"senderWalletId": W, "receiverWalletId": "{another}", "amount": 1}
USD = {"userId": U, "assetSymbol": "USD", "amount": 1}
TRADE = {"operations": [{"type": "topup", **USD}]}
REFUND = {"transaction": "{charge}", "amount": 1}
QUEUE = {"value": 1, "customer": U}
APPROVE = {"wallet": W, "company": "{shop}", "max_amount": 5}
PAYTOKEN = {"wallet": W, "max_amount": 5}
ASK = {"summary": "Tea", "amount": 1}
HOLD = {"wallet": W, "amount": 1, "summary": "Room 12"}
PAY_REQUEST = {"wallet": W}
PART = {"amount": 1, "final": False}
EMPTY: dict[str, Any] = {}

Row = tuple[str, str, Any, tuple[int, ...]]
#: Columns: anonymous, the client, another client, the company, another company, a platform. Staff
#: get what platforms do, but for `OF_STAFF`.
PUBLIC = (200, 200, 200, 200, 200, 200)
#: Public; the empty body is invalid.
PUBLIC_INVALID = (422, 422, 422, 422, 422, 422)
CALLERS = (401, 200, 200, 200, 200, 200)
#: The empty body is invalid.
CALLERS_INVALID = (401, 422, 422, 422, 422, 422)
CALLERS_NO_CONTENT = (401, 204, 204, 204, 204, 204)
#: Wallets of others are a 404; operators have none.
OWNER = (401, 200, 404, 404, 404, 404)
HOLDER = (401, 200, 404, 404, 404, 403)
#: Companies and clients; operators have no wallets.
HOLDERS = (401, 200, 200, 200, 200, 403)
OWN_DATA = (401, 200, 403, 403, 403, 200)
COMPANIES = (401, 403, 403, 200, 200, 403)
#: The company of a hold or a charge.
TAKER = (401, 403, 403, 200, 404, 403)
OPERATORS = (401, 403, 403, 403, 403, 200)
OPERATORS_NO_CONTENT = (401, 403, 403, 403, 403, 204)

# fmt: off
TABLE: tuple[Row, ...] = (
    ("GET", "status", None,                                         PUBLIC),
    ("GET", "assets", None,                                         PUBLIC),
    ("GET", "idempotency/<path:key>", None,                         CALLERS),
    ("POST", "client/signup", EMPTY,                                PUBLIC_INVALID),
    ("POST", "client/login", EMPTY,                                 PUBLIC_INVALID),
    ("POST", "client/password", EMPTY,                              CALLERS_INVALID),
    ("POST", "company/signup", EMPTY,                               PUBLIC_INVALID),
    ("POST", "company/login", EMPTY,                                PUBLIC_INVALID),
    ("POST", "company/password", EMPTY,                             CALLERS_INVALID),
    ("POST", "client/logout", EMPTY,                                CALLERS_NO_CONTENT),
    ("POST", "client/logoutall", EMPTY,                             CALLERS_NO_CONTENT),
    ("POST", "company/logout", EMPTY,                               CALLERS_NO_CONTENT),
    ("POST", "company/logoutall", EMPTY,                            CALLERS_NO_CONTENT),
    ("POST", "password/reset", EMPTY,                               PUBLIC_INVALID),
    ("POST", "password/reset/confirm", EMPTY,                       PUBLIC_INVALID),
    ("POST", "wallet/create", EMPTY,                                (401, 201, 201, 409, 409, 403)),
    ("GET", "wallet/info/<id:token>", None,                         OWNER),
    ("PATCH", "wallet/info/<id:token>", {"label": "Tea"},           OWNER),
    ("POST", "wallet/freeze", {"wallet": "{savings}"},              HOLDER),
    ("GET", "wallet/list", None,                                    CALLERS),
    ("GET", "wallet/approvals", None,                               HOLDERS),
    ("POST", "wallet/approvals", APPROVE,                           (401, 201, 404, 404, 404, 403)),
    ("DELETE", "wallet/approvals/<id:approval_id>", None,           (401, 204, 404, 404, 404, 403)),
    ("GET", "paytokens", None,                                      HOLDERS),
    ("POST", "paytokens", PAYTOKEN,                                 (401, 201, 404, 404, 404, 403)),
    ("DELETE", "paytokens/<id:paytoken_id>", None,                  (401, 204, 404, 404, 404, 403)),
    ("GET", "payment-requests", None,                               HOLDERS),
    ("POST", "payment-requests", ASK,                               (401, 201, 201, 201, 201, 403)),
    ("GET", "payment-requests/<id:request_id>", None,               PUBLIC),
    ("POST", "payment-requests/<id:request_id>/pay", PAY_REQUEST,   (401, 200, 409, 409, 409, 403)),
    ("POST", "payment-requests/<id:request_id>/cancel", EMPTY,      (401, 403, 403, 200, 403, 403)),
    ("GET", "holds", None,                                          CALLERS),
    ("POST", "holds", HOLD,                                         (401, 403, 403, 201, 201, 403)),
    ("GET", "holds/<id:hold_id>", None,                             (401, 200, 404, 200, 404, 200)),
    ("POST", "holds/<id:hold_id>/capture", PART,                    TAKER),
    ("POST", "holds/<id:hold_id>/increment", {"amount": 1},         TAKER),
    ("POST", "holds/<id:hold_id>/void", EMPTY,                      (401, 403, 403, 200, 404, 409)),
    ("GET", "wallet/history/<id:token>", None,                      OWNER),
    ("GET", "wallets/<id:wallet_id>", None,                         OWNER),
    ("GET", "wallets/<id:wallet_id>/statement", None,               OWNER),
    ("POST", "wallet/deposit", CASH,                                OWNER),
    ("POST", "wallet/withdraw", CASH,                               OWNER),
    ("POST", "wallet/transfer", SEND,                               HOLDER),
    ("POST", "wallet/charge", PAY,                                  COMPANIES),
    ("POST", "wallet/charges", {"charges": [PAY]},                  COMPANIES),
    ("POST", "wallet/refund", REFUND,                               TAKER),
    ("POST", "wallets", EMPTY,                                      (401, 201, 201, 409, 409, 403)),
    ("POST", "wallets/fund", FUND,                                  OWNER),
    ("POST", "wallets/transfer", MOVE,                              HOLDER),
    ("POST", "wallets/<id:wallet_id>/deposit", {"amount": 1},       OWNER),
    ("POST", "wallets/<id:wallet_id>/withdraw", {"amount": 1},      OWNER),
    ("GET", "me", None,                                             CALLERS),
    ("GET", "customer/<id:customer_id>", None,                      PUBLIC),
    ("PATCH", "customer/<id:customer_id>", {"first_name": "B"},     OWN_DATA),
    ("DELETE", "customer/<id:customer_id>", None,                   (401, 409, 403, 403, 403, 409)),
    ("GET", "customer/<id:customer_id>/export", None,               OWN_DATA),
    ("GET", "company/<id:account_id>/limits", None,                 OPERATORS),
    ("PUT", "company/<id:account_id>/limits", EMPTY,                OPERATORS),
    ("DELETE", "company/<id:account_id>/limits", None,              OPERATORS_NO_CONTENT),
    ("GET", "company/<id:company_id>/fee", None,                    (401, 403, 403, 200, 403, 200)),
    ("PUT", "company/<id:company_id>/fee", {"percent": "2.5"},      OPERATORS),
    ("DELETE", "company/<id:company_id>/fee", None,                 OPERATORS_NO_CONTENT),
    ("GET", "customer/<id:account_id>/limits", None,                OPERATORS),
    ("PUT", "customer/<id:account_id>/limits", EMPTY,               OPERATORS),
    ("DELETE", "customer/<id:account_id>/limits", None,             OPERATORS_NO_CONTENT),
    ("POST", "transaction", QUEUE,                                  (401, 202, 403, 403, 403, 202)),
    ("GET", "transaction/<id:queued_id>", None,                     (401, 200, 404, 404, 404, 200)),
    ("GET", "processor/status", None,                               CALLERS),
    ("GET", "wallets/<id:wallet_id>/transactions", None,            OWNER),
    ("GET", "api/v1/health", None,                                  PUBLIC),
    ("POST", "api/v1/wallet/topup", USD,                            OPERATORS),
    ("POST", "api/v1/wallet/bonus", USD,                            OPERATORS),
    ("POST", "api/v1/wallet/spend", USD,                            OWN_DATA),
    ("POST", "api/v1/wallet/group", TRADE,                          OPERATORS),
    ("GET", "api/v1/wallet/balance/<id:user_id>/<str:symbol>", None,OWN_DATA),
    ("GET", "api/v1/wallet/balances/<id:user_id>", None,            OWN_DATA),
    ("GET", "api/v1/wallet/transactions/<id:user_id>", None,        OWN_DATA),
    ("GET", "api/v1/wallet/ledger/<id:user_id>", None,              OWN_DATA),
    ("GET", "api", None,                                            PUBLIC),
    ("GET", "api/redoc", None,                                      PUBLIC),
    ("GET", "api/schema", None,                                     PUBLIC),
    # What a program gets: only a browser is shown a page.
    ("GET", "", None,                                               (404, 404, 404, 404, 404, 404)),
    ("GET", "metrics", None,                                        PUBLIC),
    ("GET", "admin", None,                                          (302, 302, 302, 302, 302, 302)),
)
# fmt: on


#: What staff get where it is not what platforms do. They queue nothing for others; a hold that
#: nobody has voided before is theirs to void.
OF_STAFF = {("POST", "transaction"): 403, ("POST", "holds/<id:hold_id>/void"): 200}


@dataclass(frozen=True)
class Scenario:
    """A client, a company that has charged it and holds money of it, others, an operator."""

    client: Holder
    another_client: Holder
    company: Holder
    another_company: Holder
    operator: User
    names: dict[str, Any]

    @property
    def callers(self) -> list[Api]:
        """The callers in the order of the table's columns; the first one sends no token."""
        holders = (self.client, self.another_client, self.company, self.another_company)
        users = (*(holder.user for holder in holders), self.operator)
        return [Api(), *(api_of(user) for user in users)]


@pytest.fixture
def scenario(books: None) -> Scenario:
    return a_scenario()


def a_scenario() -> Scenario:
    client, another_client = a_client(holds="200.00"), a_client(holds="100.00")
    company, another_company = a_company(holds="100.00"), a_company(holds="100.00")
    paid = {"wallet": str(client.wallet_id), "amount": 9, "summary": "x"}
    charge = company.api.post("/wallet/charge", paid)
    queued = client.api.post("/transaction", {"value": 1})
    approval = {"wallet": str(client.wallet_id), "company": str(another_company.user.pk)}
    paytoken = client.api.post("/paytokens", {"wallet": str(client.wallet_id)})
    names = {
        "wallet": client.wallet_id,
        "savings": client.api.post("/wallet/create").json["wallet"],
        "shop": company.user.pk,
        "approval": client.api.post("/wallet/approvals", approval).json["approval"],
        "paytoken": paytoken.json["id"],
        "request": company.api.post("/payment-requests", ASK).json["id"],
        "hold": company.api.post("/holds", {**paid, "amount": 20}).json["hold"],
        "voided": company.api.post("/holds", paid).json["hold"],
        "another_request": company.api.post("/payment-requests", ASK).json["id"],
        "another": another_client.wallet_id,
        "client": client.user.pk,
        "charge": charge.json["transaction"],
        "queued": queued.json["id"],
    }
    return Scenario(client, another_client, company, another_company, an_operator(), names)


def fill_ids(value: Any, names: dict[str, Any]) -> Any:
    """Fill the scenario's ids into a path or a body."""
    if isinstance(value, dict):
        return {name: fill_ids(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_ids(item, names) for item in value]
    return value.format_map(names) if isinstance(value, str) else value


def routes(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield every route of the service, as Django spells it, and its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


#: The values of the parameters of a route.
PARAMETERS = {
    "<path:key>": "a-key",
    "<id:token>": W,
    "<id:wallet_id>": W,
    "<id:customer_id>": U,
    "company/<id:account_id>": "company/{shop}",
    "<id:company_id>": "{shop}",
    "<id:account_id>": U,
    "<id:user_id>": U,
    "<id:queued_id>": "{queued}",
    "<id:approval_id>": "{approval}",
    "<id:paytoken_id>": "{paytoken}",
    "<id:request_id>/cancel": "{another_request}/cancel",
    "<id:request_id>": "{request}",
    "<id:hold_id>/void": "{voided}/void",
    "<id:hold_id>": "{hold}",
    "<str:symbol>": "USD",
}


def path_of(route: str, names: dict[str, Any]) -> str:
    for parameter, value in PARAMETERS.items():
        route = route.replace(parameter, value)
    return "/" + str(fill_ids(route, names))


ROUTES = {route: view for route, view in routes() if not route.startswith("admin/")}
ADMIN_ROUTES = [route for route, _ in routes() if route.startswith("admin/")]
#: The paths of the admin that need no log-in.
PUBLIC_IN_ADMIN = {"admin/login/", "admin/logout/"}


def test_the_table_lists_each_route_and_method_once() -> None:
    listed = [(method, route) for method, route, _, _ in TABLE]
    existing = {
        (method, route)
        for route, view in ROUTES.items()
        for method in allowed_methods(view)
        if method not in ("HEAD", "OPTIONS")
    }

    assert sorted(existing) == sorted(listed)


def test_each_role_gets_the_status_of_the_table(scenario: Scenario) -> None:
    wrong = {}
    for method, route, body, expected in TABLE:
        raw = b"" if body is None else json.dumps(fill_ids(body, scenario.names)).encode()
        path = path_of(route, scenario.names)
        replies = [api.call(method, path, raw) for api in scenario.callers]
        if (got := tuple(reply.status for reply in replies)) != expected:
            wrong[f"{method} {route}"] = {"got": got, "expected": expected}
        if method == "GET":
            heads = tuple(api.call("HEAD", path).status for api in scenario.callers)
            if heads != expected:
                wrong[f"HEAD {route}"] = {"got": heads, "expected": expected}

    assert wrong == {}


def test_staff_get_what_platforms_get_but_queue_nothing(scenario: Scenario) -> None:
    staff_user, wrong = a_staff_member(), {}
    for method, route, body, (*_, as_platform) in TABLE:
        raw = b"" if body is None else json.dumps(fill_ids(body, scenario.names)).encode()
        got = api_of(staff_user).call(method, path_of(route, scenario.names), raw).status
        if got != OF_STAFF.get((method, route), as_platform):
            wrong[f"{method} {route}"] = got

    assert wrong == {}


def test_other_methods_are_refused_for_every_role(scenario: Scenario) -> None:
    taken = {(method, route) for method, route, _, _ in TABLE}
    taken |= {("HEAD", route) for method, route in taken if method == "GET"}
    callers = scenario.callers

    not_refused = [
        f"{method} {route}: {reply.status}"
        for route in ROUTES
        for method in METHODS
        if (method, route) not in taken
        for api in callers
        if (reply := api.call(method, path_of(route, scenario.names))).status != 405
    ]

    assert not_refused == []


def test_the_admin_is_refused_to_all_but_staff(scenario: Scenario) -> None:
    clients = [Client(), Client(), Client(), Client()]
    clients[1].force_login(scenario.client.user)
    clients[2].force_login(scenario.company.user)
    clients[3].force_login(scenario.operator)
    wallet = scenario.client.wallet

    not_refused = [
        f"{method} {route}: {answer.status_code}"
        for route in ADMIN_ROUTES
        if route not in PUBLIC_IN_ADMIN
        for method in ("GET", "POST")
        for client in clients
        if not is_refused(answer := client.generic(method, admin_path(route, scenario.names)))
    ]

    assert len(ADMIN_ROUTES) > 20
    assert not_refused == []
    scenario.client.wallet.refresh_from_db()
    assert (wallet.balance_minor, wallet.status) == (19_100, "active")


def allowed_methods(view: Any) -> list[str]:
    cls = view.view_class if hasattr(view, "view_class") else view.cls
    names = view.view_initkwargs.get("http_method_names", cls.http_method_names)
    return [name.upper() for name in names if hasattr(cls, name)]


def admin_path(route: str, names: dict[str, Any]) -> str:
    """Return the route's path; its ids are those of the client's wallet."""
    route = re.sub(r"\^?\(\?P<app_label>[^)]*\)", "wallets", route).rstrip("$")
    return "/" + re.sub(r"<[^>]+>|\(\?P<url>[^)]*\)", str(names["wallet"]), route)


def is_refused(answer: Any) -> bool:
    if answer.status_code == 302:
        return str(answer.headers["Location"]).startswith("/admin/login/")
    return answer.status_code in (403, 404, 405)
