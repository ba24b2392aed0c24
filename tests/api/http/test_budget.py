"""What each call asks of PostgreSQL: how many statements, and how many trips there and back.

A trip more is a decision, not an accident: whoever adds one changes the number here. BEGIN and
COMMIT are trips too, and no statements. Counted are calls that succeed, of a process that has
answered the like before. Rate limits are off: a counter is a statement more, or one of Redis.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from psycopg.pq import Trace
from pytest_django import Settings

from accounts.models import User
from tests.api.http.test_access import ASK, TABLE, Row, Scenario, a_scenario, fill_ids, path_of
from tests.factories import PHONE, a_client, a_company, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

#: Often enough that each statement has been prepared, where it ever is.
WARM_UP = 8
PASSWORD = "correct-horse-7"
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
COMPANY = {"name": "Shop", "url": "https://shop.example.com", **PERSON}
SESSION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")

# fmt: off
#: Statements and trips, each as a key is sent where one is taken.
BUDGET: dict[str, tuple[int, int]] = {
    "GET status":                                                 (0, 0),
    "GET assets":                                                 (1, 1),
    "GET idempotency/<path:key>":                                 (2, 2),
    "POST client/signup":                                         (5, 7),
    "POST client/login":                                          (6, 8),
    "POST client/password":                                       (7, 9),
    "POST company/signup":                                        (5, 7),
    "POST company/login":                                         (6, 8),
    "POST company/password":                                      (7, 9),
    "POST client/logout":                                         (2, 4),
    "POST client/logoutall":                                      (2, 4),
    "POST company/logout":                                        (2, 4),
    "POST company/logoutall":                                     (2, 4),
    "POST password/reset":                                        (3, 5),
    "POST password/reset/confirm":                                (5, 7),
    "POST wallet/create":                                         (6, 8),
    "GET wallet/info/<id:token>":                                 (1, 1),
    "PATCH wallet/info/<id:token>":                               (5, 7),
    "POST wallet/freeze":                                         (10, 12),
    "GET wallet/list":                                            (2, 2),
    "GET wallet/approvals":                                       (3, 3),
    "POST wallet/approvals":                                      (10, 12),
    "DELETE wallet/approvals/<id:approval_id>":                   (4, 6),
    "GET paytokens":                                              (2, 2),
    "POST paytokens":                                             (9, 11),
    "DELETE paytokens/<id:paytoken_id>":                          (4, 6),
    "GET payment-requests":                                       (2, 2),
    "POST payment-requests":                                      (8, 10),
    "GET payment-requests/<id:request_id>":                       (3, 3),
    "POST payment-requests/<id:request_id>/pay":                  (2, 2),
    "POST payment-requests/<id:request_id>/pay, with splits":     (2, 2),
    "POST payment-requests/<id:request_id>/cancel":               (10, 12),
    "GET holds":                                                  (3, 3),
    "POST holds":                                                 (1, 1),
    "POST holds, by pay token":                                   (2, 2),
    "GET holds/<id:hold_id>":                                     (2, 2),
    "POST holds/<id:hold_id>/capture":                            (2, 2),
    "POST holds/<id:hold_id>/capture, with splits":               (2, 2),
    "POST holds/<id:hold_id>/increment":                          (2, 2),
    "POST holds/<id:hold_id>/void":                               (6, 8),
    "GET wallet/history/<id:token>":                              (2, 2),
    "GET wallets/<id:wallet_id>":                                 (4, 6),
    "GET wallets/<id:wallet_id>/statement":                       (5, 7),
    "POST wallet/deposit":                                        (1, 1),
    "POST wallet/withdraw":                                       (1, 1),
    "POST wallet/transfer":                                       (1, 1),
    "POST wallet/charge":                                         (1, 1),
    "POST wallet/charge, of an approved wallet":                  (1, 1),
    "POST wallet/charge, by pay token":                           (2, 2),
    "POST wallet/charge, with splits":                            (1, 1),
    "POST wallet/charges":                                        (5, 7),
    "POST wallet/refund":                                         (8, 10),
    "POST wallets":                                               (6, 8),
    "POST wallets/fund":                                          (1, 1),
    "POST wallets/transfer":                                      (1, 1),
    "POST wallets/<id:wallet_id>/deposit":                        (1, 1),
    "POST wallets/<id:wallet_id>/withdraw":                       (1, 1),
    "GET me":                                                     (2, 2),
    "GET customer/<id:customer_id>":                              (1, 1),
    "PATCH customer/<id:customer_id>":                            (6, 8),
    "DELETE customer/<id:customer_id>":                           (25, 27),
    "GET customer/<id:customer_id>/export":                       (7, 7),
    "GET company/<id:account_id>/limits":                         (3, 3),
    "PUT company/<id:account_id>/limits":                         (4, 6),
    "DELETE company/<id:account_id>/limits":                      (4, 6),
    "GET company/<id:company_id>/fee":                            (3, 3),
    "PUT company/<id:company_id>/fee":                            (8, 10),
    "DELETE company/<id:company_id>/fee":                         (3, 5),
    "GET customer/<id:account_id>/limits":                        (3, 3),
    "PUT customer/<id:account_id>/limits":                        (4, 6),
    "DELETE customer/<id:account_id>/limits":                     (4, 6),
    "POST transaction":                                           (4, 6),
    "GET transaction/<id:queued_id>":                             (2, 2),
    "GET processor/status":                                       (5, 5),
    "GET wallets/<id:wallet_id>/transactions":                    (4, 4),
    "GET api/v1/health":                                          (4, 4),
    "POST api/v1/wallet/topup":                                   (3, 3),
    "POST api/v1/wallet/bonus":                                   (3, 3),
    "POST api/v1/wallet/spend":                                   (2, 2),
    "POST api/v1/wallet/group":                                   (7, 9),
    "GET api/v1/wallet/balance/<id:user_id>/<str:symbol>":        (2, 2),
    "GET api/v1/wallet/balances/<id:user_id>":                    (4, 4),
    "GET api/v1/wallet/transactions/<id:user_id>":                (3, 3),
    "GET api/v1/wallet/ledger/<id:user_id>":                      (3, 3),
    "GET api":                                                    (0, 0),
    "GET api/redoc":                                              (0, 0),
    "GET api/schema":                                             (0, 0),
    "GET ":                                                       (0, 0),
    "GET metrics":                                                (0, 0),
    "GET admin":                                                  (0, 0),
}
# fmt: on


@dataclass
class Trips:
    """What went over the connection."""

    statements: int = 0
    trips: int = 0


@contextmanager
def counted() -> Iterator[Trips]:
    """Count by libpq's own record of the conversation."""
    seen = Trips()
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    with tempfile.NamedTemporaryFile("w+") as record:
        pgconn.trace(os.dup(record.fileno()))
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield seen
        finally:
            pgconn.untrace()
        # libpq wrote through the same open file, and left its place at the end.
        record.seek(0)
        lines = [line.split("\t") for line in record.read().splitlines()]
    asked = [line for line in lines if line[0] == "F"]
    seen.statements = sum(_is_statement(line) for line in asked)
    seen.trips = sum(line[0] == "B" and line[2].startswith("ReadyForQuery") for line in lines)


def _is_statement(line: list[str]) -> bool:
    is_asked = line[2].startswith(("Query", "Execute"))
    return is_asked and not any(f'"{word}' in "\t".join(line[2:]) for word in SESSION_CONTROL)


Call = Callable[[int], Reply]


def test_each_call_asks_postgresql_as_often_as_the_table_says(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    asked = {}

    for name, call in calls(a_scenario()).items():
        for number in range(WARM_UP):
            assert call(number).status < 400, name
        with counted() as trips:
            assert call(WARM_UP).status < 400, name
        asked[name] = (trips.statements, trips.trips)

    assert asked == BUDGET, "\n".join(f"    {name!r}: {found}," for name, found in asked.items())


def calls(scenario: Scenario) -> dict[str, Call]:
    """Return how to make each call of the service, as often as one likes, so that it succeeds."""
    callers = scenario.callers
    plain = {f"{row[0]} {row[1]}": plainly(scenario, callers, row) for row in TABLE}
    return {
        **plain,
        "GET ": lambda _: Api().get("/", Accept="text/html"),
        **calls_of_accounts(),
        **calls_that_end_something(),
        **calls_of_payers(scenario),
        **calls_of_holds_and_groups(scenario),
    }


def plainly(scenario: Scenario, callers: list[Api], row: Row) -> Call:
    """Return the call as the table of who may what makes it, by the first who may."""
    method, route, body, statuses = row
    may = (api for api, status in zip(callers, statuses, strict=True) if status < 400)
    caller = next(may, callers[0])
    path = path_of(route, scenario.names)
    raw = b"" if body is None else json.dumps(fill_ids(body, scenario.names)).encode()
    keys = count()

    def call(_number: int) -> Reply:
        key = {"Idempotency-Key": f"{route} {next(keys)}"} if method == "POST" else {}
        return caller.call(method, path, raw, **key)

    return call


def calls_of_accounts() -> dict[str, Call]:
    """Return the calls that take a password or make an account, and an export.

    The export is of a client with one wallet: each other is a statement more.
    """
    client, company, forgetful = a_client().user, a_company().user, a_client().user
    exported = a_client(holds="1.00")
    for user in (client, company):
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
    changing = {role: api_of(user) for role, user in (("client", client), ("company", company))}

    def sign_up(role: str, profile: Any) -> Call:
        return lambda number: Api().post(
            f"/{role}/signup",
            {"email": f"{role}{number}@example.com", "password": PASSWORD, role: profile},
        )

    def log_in(role: str, user: User) -> Call:
        return lambda _: Api().post(f"/{role}/login", {"email": user.email, "password": PASSWORD})

    def change_password(role: str) -> Call:
        return lambda _: changing[role].post(
            f"/{role}/password", {"current_password": PASSWORD, "new_password": PASSWORD}
        )

    return {
        "POST client/signup": sign_up("client", PERSON),
        "POST company/signup": sign_up("company", COMPANY),
        "POST client/login": log_in("client", client),
        "POST company/login": log_in("company", company),
        "POST client/password": change_password("client"),
        "POST company/password": change_password("company"),
        "GET customer/<id:customer_id>/export": lambda _: exported.api.get(
            f"/customer/{exported.user.pk}/export"
        ),
        "POST password/reset": lambda _: Api().post("/password/reset", {"email": forgetful.email}),
    }


def calls_that_end_something() -> dict[str, Call]:
    """Return the calls that can be made once by somebody: each time by somebody else."""
    people: dict[str, Callable[[], Any]] = {"client": a_client, "company": a_company}

    def end(role: str, path: str) -> Call:
        ready = [people[role]().api for _ in range(WARM_UP + 1)]
        return lambda number: ready[number].post(path)

    leaving = [a_client() for _ in range(WARM_UP + 1)]
    mails = [
        {
            "uid": str(user.pk),
            "token": default_token_generator.make_token(user),
            "new_password": PASSWORD,
        }
        for user in (a_client().user for _ in range(WARM_UP + 1))
    ]
    return {
        "POST password/reset/confirm": lambda number: Api().post(
            "/password/reset/confirm", mails[number]
        ),
        **{
            f"POST {role}/{what}": end(role, f"/{role}/{what}")
            for role in people
            for what in ("logout", "logoutall")
        },
        "DELETE customer/<id:customer_id>": lambda number: leaving[number].api.call(
            "DELETE", f"/customer/{leaving[number].user.pk}"
        ),
    }


def calls_of_payers(scenario: Scenario) -> dict[str, Call]:
    """Return the calls of payers that can be made once of each wallet, approval or request.

    And charges of wallets that are not open.
    """
    client, company = scenario.client, scenario.company
    times = range(WARM_UP + 1)
    own = {"wallet": str(client.wallet_id)}
    wallets = [client.api.post("/wallet/create").json["wallet"] for _ in times]
    shops = [{**own, "company": str(a_company().user.pk)} for _ in times]
    approvals = [client.api.post("/wallet/approvals", shop).json["approval"] for shop in shops]
    revoked = [client.api.post("/paytokens", own).json["id"] for _ in times]
    spent = client.api.post("/paytokens", {**own, "uses": WARM_UP + 1}).json["paytoken"]
    asked = [company.api.post("/payment-requests", ASK).json["id"] for _ in times]
    cancelled = [company.api.post("/payment-requests", ASK).json["id"] for _ in times]
    careful = a_client(holds="100.00")
    approval = {"wallet": str(careful.wallet_id), "company": str(company.user.pk)}
    assert careful.api.post("/wallet/approvals", {**approval, "max_per_day": 50}).status == 201
    policy = json.dumps({"charges": "approved"}).encode()
    assert careful.api.call("PATCH", f"/wallet/info/{careful.wallet_id}", policy).status == 200
    charge = {"amount": 1, "summary": "x"}

    def keyed(api: Api, path: str, body: Any, number: int) -> Reply:
        return api.post(path, body, key=f"ending {path} {number}")

    def charge_of(payer: dict[str, str]) -> Call:
        keys = (f"{payer} {number}" for number in count())
        return lambda _: company.api.post("/wallet/charge", {**payer, **charge}, key=next(keys))

    return {
        "POST wallet/freeze": lambda number: keyed(
            client.api, "/wallet/freeze", {"wallet": wallets[number]}, number
        ),
        "DELETE wallet/approvals/<id:approval_id>": lambda number: client.api.call(
            "DELETE", f"/wallet/approvals/{approvals[number]}"
        ),
        "DELETE paytokens/<id:paytoken_id>": lambda number: client.api.call(
            "DELETE", f"/paytokens/{revoked[number]}"
        ),
        "POST payment-requests/<id:request_id>/pay": lambda number: keyed(
            client.api, f"/payment-requests/{asked[number]}/pay", own, number
        ),
        "POST payment-requests/<id:request_id>/cancel": lambda number: keyed(
            company.api, f"/payment-requests/{cancelled[number]}/cancel", {}, number
        ),
        "POST wallet/charge, of an approved wallet": charge_of({"wallet": approval["wallet"]}),
        "POST wallet/charge, by pay token": charge_of({"paytoken": spent}),
    }


def calls_of_holds_and_groups(scenario: Scenario) -> dict[str, Call]:
    """Return the calls of a company that end a hold, that name a pay token, or that split."""
    client, company, supplier = scenario.client, scenario.company, a_client()
    times = range(WARM_UP + 1)
    own = {"wallet": str(client.wallet_id)}
    take = {"amount": 1, "summary": "x"}
    splits = {"splits": [{"wallet": str(supplier.wallet_id), "amount": "0.50"}]}
    paytoken = client.api.post("/paytokens", {**own, "uses": WARM_UP + 1}).json["paytoken"]
    voided = [company.api.post("/holds", {**own, **take}).json["hold"] for _ in times]
    held = company.api.post("/holds", {**own, **take, "amount": WARM_UP + 2}).json["hold"]
    asked = [company.api.post("/payment-requests", {**ASK, **splits}).json["id"] for _ in times]

    def keyed(api: Api, path: str, body: Any) -> Call:
        return lambda number: api.post(path, body, key=f"group {body.keys()} {path} {number}")

    def each(api: Api, path: str, ids: list[str], body: Any) -> Call:
        return lambda number: api.post(
            path.format(ids[number]), body, key=f"each {path} {body.keys()} {number}"
        )

    part = {"amount": 1, "final": False, **splits}
    return {
        "POST holds, by pay token": keyed(company.api, "/holds", {"paytoken": paytoken, **take}),
        "POST holds/<id:hold_id>/void": each(company.api, "/holds/{}/void", voided, {}),
        "POST holds/<id:hold_id>/capture, with splits": keyed(
            company.api, f"/holds/{held}/capture", part
        ),
        "POST wallet/charge, with splits": keyed(
            company.api, "/wallet/charge", {**own, **take, **splits}
        ),
        "POST payment-requests/<id:request_id>/pay, with splits": each(
            client.api, "/payment-requests/{}/pay", asked, own
        ),
    }
