"""`manage.py seed_demo`: the demo's accounts, and what a start of the demo prints of them."""

import io
import re

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import OperatorKind, Role, User
from ops.demo import PASSWORD, email_of
from tests.http_client import Api
from tests.support.admin_session import WALLETS
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")


def seed_demo() -> str:
    """Return what a start prints."""
    printed = io.StringIO()
    call_command("seed_demo", stdout=printed)
    return printed.getvalue()


def line_of(printed: str, name: str) -> str:
    [line] = [line for line in printed.splitlines() if line.startswith(f"  {email_of(name)} ")]
    return " ".join(line.split())


def log_in(name: str) -> Api:
    reply = Api().post("/client/login", {"email": email_of(name), "password": PASSWORD})
    return Api(reply.json["token"])


def test_the_demo_has_two_of_the_staff_and_a_platform_with_a_token_of_this_start() -> None:
    first, second = seed_demo(), seed_demo()

    kinds = dict(User.objects.filter(role=Role.OPERATOR).values_list("email", "operator_kind"))
    assert kinds == {
        email_of("operator"): OperatorKind.STAFF,
        email_of("approver"): OperatorKind.STAFF,
        email_of("platform"): OperatorKind.PLATFORM,
    }
    assert not User.objects.filter(is_superuser=True).exists()
    for name in ("operator", "approver"):
        browser = Client()
        browser.post("/admin/login/", {"username": email_of(name), "password": PASSWORD})
        assert browser.get(WALLETS).status_code == 200
    tokens = [re.findall(r"^  PLATFORM=(\w{64})$", printed, re.M) for printed in (first, second)]
    [[one], [another]] = tokens
    assert one != another
    buyer = User.objects.get(email=email_of("rich")).pk
    body = {"userId": str(buyer), "assetSymbol": "GOLD", "amount": 5_000}
    assert [Api(token).post("/api/v1/wallet/topup", body).status for token in (one, another)] == [
        200,
        200,
    ]


def test_a_restart_prints_what_the_wallets_hold_now() -> None:
    first = seed_demo()
    rich, frozen = log_in("rich"), log_in("frozen")
    wallet = rich.get("/wallet/list").json[0]["wallet"]
    assert line_of(first, "rich").endswith(f"client, 1,000,000.00 USD wallet {wallet}")

    rich.post("/wallet/withdraw", {"wallet": wallet, "amount": "999999.50"})
    token = frozen.get("/wallet/list").json[0]["wallet"]
    Wallet.objects.filter(pk=token).update(status="active")
    printed = seed_demo()

    assert line_of(printed, "rich").endswith(f"client, 0.50 USD wallet {wallet}")
    assert line_of(printed, "empty").split(" wallet")[0].endswith("client, 0.00 USD")
    assert line_of(first, "frozen").split(" wallet")[0].endswith("client, 50.00 USD, frozen")
    assert line_of(printed, "frozen").split(" wallet")[0].endswith("client, 50.00 USD")


def test_where_operators_move_cash_the_demo_has_its_money_and_smoke_its_cent(
    settings: Settings,
) -> None:
    settings.CASH = "operators"

    printed = seed_demo()

    assert "client, 1,000,000.00 USD" in line_of(printed, "rich")
    assert log_in("smoke").get("/wallet/list").json[0]["balance"] * 100 == 1
    refused = log_in("empty").post("/wallets", {"balance": 1})
    assert refused.code == "cash_by_operators"


def test_a_demo_of_before_keeps_its_accounts_and_gets_the_new_ones() -> None:
    User.objects.create_user(
        email_of("operator"),
        PASSWORD,
        role=Role.OPERATOR,
        operator_kind=OperatorKind.STAFF,
        is_superuser=True,
    )
    before = User.objects.get()

    seed_demo()

    assert User.objects.get(email=email_of("operator")).password == before.password
    assert User.objects.filter(role=Role.OPERATOR).count() == 3
