"""`/customer/<id>`: who they are, what they hold, and how they leave."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Client, User
from ledger.models import Transaction
from tests.factories import a_client, a_company, an_operator, api_of
from tests.http_client import Api
from tests.races import race
from wallets.models import Status

pytestmark = pytest.mark.usefixtures("books")


def test_the_balance_is_for_the_customer_and_operators() -> None:
    client, stranger = a_client(holds="80.00"), a_company()
    path = f"/customer/{client.user.pk}"
    name = {"name": "Ada Lovelace"}
    full = {**name, "balance": Decimal("80.00")}

    assert Api().get(path).json == name
    assert stranger.api.get(path).json == name
    assert client.api.get(path).json == full
    assert api_of(an_operator()).get(path).json == full
    assert stranger.api.get(f"/customer/{stranger.user.pk}").json == {
        "name": "Corner Shop",
        "balance": 0,
    }


def test_a_token_that_is_not_valid_is_refused() -> None:
    client = a_client()

    reply = Api("nonsense").get(f"/customer/{client.user.pk}")

    assert (reply.status, reply.code) == (401, "invalid_token")


@pytest.mark.parametrize("who", ["unknown", "malformed", "operator"])
def test_who_is_no_customer(who: str, api: Api) -> None:
    customer = {"unknown": uuid.uuid4(), "malformed": "42", "operator": an_operator().pk}[who]

    assert (api.get(f"/customer/{customer}").status) == 404


def test_names_and_phone_are_changed_by_the_customer_or_an_operator() -> None:
    client = a_client(holds="5.00")
    path = f"/customer/{client.user.pk}"

    own = client.api.call("PATCH", path, b'{"first_name": "Augusta"}')
    operators = api_of(an_operator()).call("PATCH", path, b'{"last_name": "King"}')

    assert (own.status, own.json) == (200, {"name": "Augusta Lovelace", "balance": 5})
    assert operators.json["name"] == "Augusta King"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"first_name": ""}', 422),
        (b'{"phone_number": "123"}', 422),
        (b'{"email": "x@example.com"}', 422),
        (b"[]", 400),
        (b"{}", 200),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(body: bytes, status: int) -> None:
    client = a_client()

    reply = client.api.call("PATCH", f"/customer/{client.user.pk}", body)

    assert reply.status == status
    assert str(Client.objects.get(user=client.user)) == "Ada Lovelace"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_others_may_change_and_remove_nothing(method: str) -> None:
    client, stranger = a_client(), a_client()
    path = f"/customer/{client.user.pk}"

    assert stranger.api.call(method, path, b"{}").code == "permission_denied"
    assert Api().call(method, path, b"{}").code == "not_authenticated"
    assert client.api.get(path).status == 200


def test_a_customer_who_holds_money_cannot_leave() -> None:
    client = a_client(holds="0.01")

    reply = client.api.call("DELETE", f"/customer/{client.user.pk}")

    assert (reply.status, reply.code) == (409, "balance_not_zero")
    assert client.wallet.status == Status.ACTIVE
    assert client.api.get("/wallet/list").status == 200


def test_a_customer_who_leaves_is_erased_and_the_ledger_stays() -> None:
    client, operator = a_client(holds="5.00"), api_of(an_operator())
    client.api.post(f"/wallets/{client.wallet_id}/withdraw", {"amount": 5})
    path = f"/customer/{client.user.pk}"

    reply = client.api.call("DELETE", path)

    assert (reply.status, reply.raw) == (204, b"")
    assert client.api.get("/wallet/list").code == "invalid_token"
    assert operator.get(path).status == Api().get(path).status == 404
    assert not Client.objects.exists()
    assert "example.com" not in User.objects.get(pk=client.user.pk).email
    assert client.wallet.status == Status.CLOSED
    assert Transaction.objects.count() == 2


@pytest.mark.parametrize("call", ["topup", "spend"])
def test_nobody_moves_money_of_a_customer_who_left(call: str) -> None:
    client, operator = a_client(), api_of(an_operator())
    client.api.call("DELETE", f"/customer/{client.user.pk}")
    body: dict[str, Any] = {"userId": str(client.user.pk), "assetSymbol": "USD", "amount": 1}

    reply = operator.post(f"/api/v1/wallet/{call}", body)

    assert (reply.status, reply.code) == (400, "unknown_user")
    assert not Transaction.objects.exists()


def test_a_charge_of_a_customer_who_left_is_refused() -> None:
    client, company = a_client(), a_company()
    client.api.call("DELETE", f"/customer/{client.user.pk}")

    reply = company.api.post(
        "/wallet/charge", {"wallet": str(client.wallet_id), "amount": 1, "summary": "Late"}
    )

    assert (reply.status, reply.code) == (409, "wallet_not_active")


def test_a_change_and_a_farewell_at_once_end_with_either() -> None:
    client, operator = a_client(), api_of(an_operator())
    path = f"/customer/{client.user.pk}"

    def act(number: int) -> int:
        if number == 0:
            return int(client.api.call("DELETE", path).status)
        return int(operator.call("PATCH", path, b'{"first_name": "Augusta"}').status)

    left, *changed = race(4, act)

    assert left == 204
    assert set(changed) <= {200, 404}
    assert operator.get(path).status == 404
