"""The log: a line for each event with the id of its request, and without secrets."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Role, User
from accounts.services import update_person
from config.logs import JSONFormatter, PlainFormatter, logging_config
from core.unit_of_work import unit_of_work
from intake.processor import Processor
from ledger.models import Transaction
from tests.factories import UserFactory, a_client, a_company, a_staff_member
from tests.hashing import hashed
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

EMAIL, PASSWORD, PHONE = "grace.hopper@example.com", "tea-at-half-past-4", "+442079460018"
FIRST, LAST, SUMMARY, KEY = "Gracia", "Murrayhopper", "Birthday of Gracia", "order-90210-key"
AMOUNT = "731.57"


class Log:
    """What was logged at the level `debug`, in both formats."""

    def __init__(self) -> None:
        self._streams = {form: io.StringIO() for form in (PlainFormatter, JSONFormatter)}
        self.handlers = []
        for form, stream in self._streams.items():
            handler = logging.StreamHandler(stream)
            handler.setFormatter(form())
            self.handlers.append(handler)

    @property
    def plain(self) -> str:
        return self._streams[PlainFormatter].getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._streams[JSONFormatter].getvalue().splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "route" in line]


@pytest.fixture
def log() -> Iterator[Log]:
    log, root = Log(), logging.getLogger()
    logging.config.dictConfig(logging_config(level="debug", form="json"))
    before = root.handlers[:]
    root.handlers[:] = log.handlers
    yield log
    root.handlers[:] = before
    logging.config.dictConfig(logging_config(level="info", form="plain"))


def sign_up() -> Reply:
    client = {"first_name": FIRST, "last_name": LAST, "phone_number": PHONE}
    return Api().post("/client/signup", {"email": EMAIL, "password": PASSWORD, "client": client})


def test_each_request_is_logged_with_its_route_and_ids(log: Log) -> None:
    client = a_client(holds="10.00")

    info = client.api.get(f"/wallet/info/{client.wallet_id}", **{"X-Request-ID": "req-1"})
    Api().get("/nowhere/at/all")
    browser = Client()
    browser.force_login(a_staff_member())
    browser.get("/admin/")

    first, second, third = log.requests()
    assert info.status == 200
    assert (first["method"], first["route"]) == ("GET", "wallet/info/<id:token>")
    assert (first["status"], first["request_id"]) == (200, "req-1")
    assert first["user_id"] == str(client.user.pk)
    assert first["duration_ms"] > 0
    assert (second["route"], second["status"], "user_id" in second) == ("(none)", 404, False)
    assert (third["route"], third["status"]) == ("admin/", 200)
    assert third["user_id"] == browser.session["_auth_user_id"]
    assert "GET wallet/info/<id:token> 200 in " in log.plain


def test_a_failed_queued_transaction_is_logged_with_its_request_id(log: Log) -> None:
    client = a_client()
    body = {"value": "5.00"}
    client.api.post("/transaction", body, **{"X-Request-ID": "from-the-phone"})

    processor = Processor()
    assert processor.step()
    unit_of_work(processor.release)

    [line] = [line for line in log.lines if line["message"].startswith("Queued transaction")]
    assert line["request_id"] == "from-the-phone"
    assert "insufficient_funds" in line["message"]
    assert client.balance_minor == 0


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\n2026-01-01 INFO x: all is well", "a\u2028b\x1b[2Jc"]
)
def test_no_text_can_forge_a_log_line(log: Log, text: str) -> None:
    lines = log.plain.count("\n")

    logging.getLogger(f"x.{text}").warning("Given: %s", text, extra={"request_id": text})

    assert log.plain.count("\n") == lines + 1
    assert not [c for c in log.plain.replace("\n", "") if not c.isprintable()]
    assert len(log.lines[-1]) > 3


def test_a_logged_exception_has_its_location_and_no_data(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = a_client()

    def broken(user: User, **_: object) -> None:
        # PostgreSQL quotes the row of a constraint that was broken; so do many libraries.
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO accounts_user SELECT * FROM accounts_user")

    monkeypatch.setattr("api.by_token.movements.order_deposit", broken)
    body = {"wallet": str(client.wallet_id), "amount": AMOUNT}
    reply = client.api.post("/wallet/deposit", body)

    assert (reply.status, Transaction.objects.count()) == (500, 0)
    [line] = [line for line in log.lines if "exception" in line]
    assert line["level"] == "error"
    assert line["request_id"] == reply.json["requestId"]
    logged = "\n".join(line["exception"])
    assert "IntegrityError (UniqueViolation, " in logged
    assert "in broken: cursor.execute(" in logged
    assert client.user.email not in log.plain
    assert client.user.email not in json.dumps(log.lines)


def test_the_log_of_a_whole_session_holds_no_secrets(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sign_up()
    token = str(session.json["token"])
    UserFactory.create(email="op@example.com", role=Role.OPERATOR, password=hashed(PASSWORD))
    api, shop = Api(token), a_company()

    wallet = str(api.post("/wallet/create").json["wallet"])
    replies = [
        sign_up(),
        Api().post("/client/login", {"email": EMAIL, "password": "guess-of-mine-1"}),
        Api().post("/client/login", {"email": EMAIL, "password": PASSWORD}),
        api.post("/wallet/deposit", {"wallet": wallet, "amount": AMOUNT}, key=KEY),
        api.post("/wallet/deposit", {"wallet": wallet, "amount": AMOUNT}, key=KEY),
        shop.api.post(
            "/wallet/charge", {"wallet": wallet, "amount": "9999.99", "summary": SUMMARY}
        ),
        api.get(f"/wallet/info/{wallet}"),
        api.get(f"/wallet/history/{wallet}?from=2026-01-01T00:00:00Z"),
        api.get(f"/wallet/list?email={EMAIL}"),
        api.get(f"/idempotency/{KEY}"),
        api.get(f"/{EMAIL}/{wallet}"),
        Api(f"{token}x").get("/wallet/list"),
        api.post("/wallet/deposit", f'{{"wallet": "{EMAIL}"'.encode()),
        api.post("/client/password", {"current_password": PASSWORD, "new_password": "12345"}),
        api.post("/transaction", {"value": "8888.88", "description": SUMMARY}),
    ]
    for path in (f"/admin/{EMAIL}", f"/admin/login/?next=/{wallet}"):
        Client().get(path)
    Client().post("/admin/login/", {"username": "op@example.com", "password": PASSWORD})
    Processor().step()

    def crash(*_: object, **__: object) -> None:
        raise ValueError(EMAIL, PASSWORD, token, wallet)

    monkeypatch.setattr("api.by_token.wallets.own_wallet_of", crash)
    replies.append(api.get(f"/wallet/info/{wallet}?email={EMAIL}"))
    replies.append(api.get(f"/wallet/info/{wallet}"))
    update_person(User.objects.get(email=EMAIL).client, first_name="Nobody")

    assert {reply.status for reply in replies} >= {200, 400, 401, 404, 409, 422, 500}
    assert len(log.requests()) == len(replies) + 5
    secrets = {
        *(EMAIL, "op@example.com", PASSWORD, "guess-of-mine-1", "12345", PHONE, FIRST, LAST),
        *(SUMMARY, KEY, AMOUNT, "73157", "9999.99", "8888.88", token, wallet, "2026-01-01T00"),
    }
    assert {secret for secret in secrets if secret in log.plain} == set()
    assert {secret for secret in secrets if secret in json.dumps(log.lines)} == set()
