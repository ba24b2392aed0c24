"""`/metrics`: what is counted, under which names, and what is answered without the database."""

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Role
from core import metrics
from core.unit_of_work import unit_of_work
from intake.processor import Processor
from ledger.kinds import Kind
from ledger.models import Transaction, Verification
from ledger.orders import Order
from ledger.partitions import months_ahead
from ledger.post import post
from ledger.verification import verify_ledger
from tests.factories import UserFactory, a_client, a_company, freeze
from tests.hashing import hashed
from tests.http_client import Api
from tests.metrics import increase_during, scrape

pytestmark = pytest.mark.usefixtures("books")

THIS_MONTH = date(2026, 11, 21)


def test_requests_are_counted_by_the_pattern_of_their_route_and_never_by_path() -> None:
    client = a_client()
    info = f"/wallet/info/{client.wallet_id}"
    route = "wallet/info/<id:token>"

    def requests() -> None:
        client.api.get(info)
        Api().get(f"{info}?name=somebody")
        client.api.post("/wallet/info/nonsense", {"amount": 3})
        Api().get("/a/path/of/somebody?email=ada@example.com")
        Api().call("BREW", "/status")

    grown = increase_during(requests)

    name = "wallet_http_requests_total"
    assert grown(name, route=route, method="GET", status="200") == 1
    assert grown(name, route=route, method="GET", status="401") == 1
    assert grown("wallet_http_request_duration_seconds_count", route=route, method="GET") == 2
    assert grown(name, route="(none)", method="GET", status="404") == 1
    assert grown(name, route="(none)", method="POST", status="404") == 1
    assert grown(name, route="status", method="other", status="405") == 1
    text = Api().get("/metrics").raw.decode()
    assert not [word for word in (str(client.wallet_id), "somebody", "ada@") if word in text]


def test_money_is_counted_by_kind_asset_and_code() -> None:
    payer, shop = a_client(holds="10.00"), a_company()
    poor, frozen = a_client(currency="EUR", holds="1.00"), a_client(holds="1.00")
    euro_shop = a_company(currency="EUR")
    freeze(frozen)
    # Other tests move amounts so large that a float loses the cents.
    metrics.TRANSACTION_MINOR.clear()

    def charge(company: Any, holder: Any, amount: str) -> int:
        body = {"wallet": str(holder.wallet_id), "amount": amount, "summary": ""}
        return int(company.api.post("/wallet/charge", body).status)

    def charges() -> None:
        item = {"wallet": str(payer.wallet_id), "amount": "0.25", "summary": ""}
        assert shop.api.post("/wallet/charges", {"charges": [item, item]}).status == 200
        assert charge(shop, payer, "4.00") == 200
        assert charge(euro_shop, poor, "1.01") == 400
        assert charge(shop, frozen, "0.50") == 409

    grown = increase_during(charges)

    for asset, code, transactions, minor in [
        ("USD", "completed", 3, 450),
        ("EUR", "insufficient_funds", 1, 101),
        ("USD", "wallet_not_active", 1, 50),
    ]:
        labels = {"kind": "charge", "asset": asset, "code": code}
        assert grown("wallet_transactions_total", **labels) == transactions
        assert grown("wallet_transactions_amount_minor_total", **labels) == minor
    assert grown("wallet_post_duration_seconds_count") == 4


def test_a_rolled_back_transaction_is_not_counted() -> None:
    client, other = a_client(holds="10.00"), a_client()
    order = Order(Kind.TRANSFER, client.wallet_id, other.wallet_id, 100, "USD")

    def work() -> None:
        post([order])
        raise ZeroDivisionError

    def broken() -> None:
        with pytest.raises(ZeroDivisionError):
            unit_of_work(work)

    grown = increase_during(broken)

    assert grown("wallet_transactions_total", kind="transfer", asset="USD", code="completed") == 0
    assert grown("wallet_post_duration_seconds_count") == 1
    assert (client.balance_minor, other.balance_minor) == (1000, 0)


def test_replays_are_counted_and_move_nothing_again() -> None:
    client = a_client()

    def twice() -> None:
        body = {"wallet": str(client.wallet_id), "amount": 5}
        assert [client.api.post("/wallet/deposit", body, key="k").status for _ in "ab"] == [200] * 2

    grown = increase_during(twice)

    assert grown("wallet_idempotent_replays_total") == 1
    assert grown("wallet_transactions_total", kind="deposit", asset="USD", code="completed") == 1


def test_requests_above_a_limit_are_counted_by_group(settings: Settings) -> None:
    client = a_client()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "1/d"}

    grown = increase_during(lambda: [client.api.get("/wallet/list") for _ in range(3)])

    assert grown("wallet_rate_limited_total", group="reads") == 2


def test_failed_log_ins_are_counted_by_endpoint() -> None:
    UserFactory.create(email="ada@example.com", password=hashed("right"), role=Role.CLIENT)

    def log_in() -> None:
        for password in ("wrong", "right"):
            body = {"email": "ada@example.com", "password": password}
            Api().post("/client/login", body)
        Api().post("/company/login", {"email": "nobody@example.com", "password": "x"})
        form = {"username": "ada@example.com", "password": "wrong"}
        assert Client().post("/admin/login/", form).status_code == 200

    grown = increase_during(log_in)

    for door in ("client", "company", "admin"):
        assert grown("wallet_login_failures_total", door=door) == 1


def test_a_lock_timeout_is_counted(owner_dsn: str) -> None:
    client = a_client()

    def deposit() -> None:
        with psycopg.connect(owner_dsn) as other:
            other.execute("SELECT 1 FROM wallets_wallet FOR UPDATE")
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            body = {"wallet": str(client.wallet_id), "amount": 5}
            assert client.api.post("/wallet/deposit", body).status == 503
            other.rollback()
        connection.close()

    grown = increase_during(deposit)

    assert grown("wallet_units_of_work_given_up_total", reason="lock_timeout") == 1
    assert Transaction.objects.count() == 0


def test_the_queue_and_the_transactions_of_its_processor(
    settings: Settings, owner_dsn: str
) -> None:
    client, poor = a_client(holds="10.00"), a_client()
    settings.MAX_ATTEMPTS = 2
    for value in ("2.50", "1.00"):
        assert client.api.post("/transaction", {"value": value}).status == 202
    poor.api.post("/transaction", {"value": "3.00"})
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("UPDATE intake_queuedtransaction SET created_at = '2026-01-01T00:00:00Z'")

    waiting = scrape()
    processor = Processor()
    while processor.step():
        pass
    done = scrape()
    unit_of_work(processor.release)
    left = scrape()

    assert waiting("wallet_queue_transactions", state="ready") == 3
    assert (waiting("wallet_queue_oldest_seconds") or 0) > 0
    assert waiting("wallet_processor_state", state="stopped") == 1
    assert done("wallet_queue_transactions", state="ready") == 0
    assert done("wallet_queue_transactions", state="retrying") == 1
    assert done("wallet_queue_oldest_seconds") == 0
    assert done("wallet_processor_state", state="idle") == 1
    assert (done("wallet_queue_completed_total"), done("wallet_queue_given_up_total")) == (2, 0)
    assert done("wallet_processor_last_chunk_size") == 3
    spends = {"kind": "spend", "asset": "USD"}
    for code, transactions, minor in [("completed", 2, 350), ("insufficient_funds", 1, 300)]:
        labels = {**spends, "code": code}
        assert done("wallet_processor_transactions_total", **labels) == transactions
        assert done("wallet_processor_transactions_amount_minor_total", **labels) == minor
    assert left("wallet_processor_state", state="stopped") == 1


def test_the_newest_verification_is_reported(owner_dsn: str) -> None:
    client = a_client(holds="10.00")

    never = scrape()
    verify_ledger()
    right = scrape()
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        change = "UPDATE wallets_wallet SET version = version + %s WHERE id = %s"
        owner.execute(change, [1, client.wallet_id])
        verify_ledger()
        owner.execute(change, [-1, client.wallet_id])
    wrong = scrape()

    time = "wallet_ledger_verified_timestamp_seconds"
    assert (never(time), never("wallet_ledger_in_order")) == (0, None)
    assert (right("wallet_ledger_in_order"), right("wallet_ledger_findings")) == (1, 0)
    assert (wrong("wallet_ledger_in_order"), wrong("wallet_ledger_findings")) == (0, 1)
    assert 0 < (right(time) or 0) < (wrong(time) or 0)
    assert Verification.objects.count() == 2


@pytest.mark.parametrize(
    ("existing", "ahead"),
    [
        ([], -1),
        (["2026_12"], -1),
        (["2026_10", "2026_11"], 0),
        (["2026_11", "2026_12", "2027_01"], 2),
        (["2026_11", "2027_01"], 0),
    ],
)
def test_months_count_up_to_the_first_gap(existing: list[str], ahead: int) -> None:
    names = {f"ledger_transaction_{month}" for month in existing}
    assert months_ahead(names, THIS_MONTH) == ahead


def test_the_partitions_of_this_installation_are_reported() -> None:
    assert scrape()("wallet_partitions_ahead") == 24


def test_metrics_of_the_process_are_read_without_the_database(tmp_path: Path) -> None:
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    try:
        figures = scrape()
    finally:
        connection.settings_dict["HOST"] = host

    assert figures("wallet_database_up") == 0
    assert "wallet_http_requests_total" in figures.names
    assert "wallet_partitions_ahead" not in figures.names
    assert scrape()("wallet_database_up") == 1


def test_a_collector_that_times_out_does_not_affect_the_others(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE ledger_verification IN ACCESS EXCLUSIVE MODE")
        figures = scrape()
        owner.rollback()

    assert figures("wallet_facts_failed", part="ledger") == 1
    assert figures("wallet_partitions_ahead") == 24
    assert figures("wallet_database_up") == 1


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "bearer"])
def test_the_token_allows_reading(settings: Settings, scheme: str) -> None:
    settings.METRICS_TOKEN = "s3cret"
    assert scrape(Authorization=f"{scheme} s3cret")("wallet_database_up") == 1


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "not_authenticated"),
        ("Bearer wrong", "invalid_token"),
        ("Bearer", "invalid_token"),
        ("Bearer s3crét", "invalid_token"),
        ("Basic s3cret", "invalid_token"),
    ],
)
def test_reading_without_the_token_is_refused(
    settings: Settings, authorization: str | None, code: str
) -> None:
    settings.METRICS_TOKEN = "s3cret"
    headers = {} if authorization is None else {"Authorization": authorization}

    reply = Api().get("/metrics", **headers)

    assert (reply.status, reply.code) == (401, code)
    assert reply.headers["WWW-Authenticate"] == "Token"
    assert b"wallet_" not in reply.raw


def test_other_methods_are_refused() -> None:
    reply = Api().post("/metrics")

    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert "GET" in reply.headers["Allow"]


def test_metrics_are_read_by_address_and_without_https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    by_address = {"Host": "10.0.0.7:8000"}

    figures = increase_during(lambda: scrape(**by_address))

    labels = {"route": "metrics", "method": "GET", "status": "200"}
    assert figures("wallet_http_requests_total", **labels) >= 1
    assert Api().get("/status", **by_address).status == 400
