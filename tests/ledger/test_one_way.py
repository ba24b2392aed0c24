"""Changes that cannot be reversed, by the owner either: refunded amounts and closed wallets."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg

from core.unit_of_work import unit_of_work
from tests.factories import Holder, a_client, a_company
from wallets.models import Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the owner, who has all rights; its changes are rolled back."""
    with psycopg.connect(owner_dsn) as owner, owner.transaction(force_rollback=True):
        yield owner


def refund(amount: int) -> None:
    """Refund a part of a charge of 9.00."""
    client, company = a_client(holds="10.00"), a_company(holds="1.00")
    charge = company.api.post(
        "/wallet/charge", {"wallet": str(client.wallet_id), "amount": 9, "summary": "x"}
    )
    body = {"transaction": charge.json["transaction"], "amount": amount}
    assert company.api.post("/wallet/refund", body).status == 200


def change(owner: psycopg.Connection, statement: str, *values: Any) -> int:
    with owner.transaction():
        return owner.execute(statement, values).rowcount


@pytest.mark.parametrize(
    "changes",
    [
        "refunded_minor = 0",
        "refunded_minor = refunded_minor - 1",
        "amount_minor = 100000",
        "transaction_id = uuidv7()",
        "amount_minor = 100000, refunded_minor = refunded_minor + 1",
    ],
)
def test_the_refunded_amount_only_grows(changes: str, owner: psycopg.Connection) -> None:
    refund(4)

    with pytest.raises(pg.RestrictViolation):
        change(owner, f"UPDATE commerce_charge SET {changes}")

    assert owner.execute("SELECT amount_minor, refunded_minor FROM commerce_charge").fetchall() == [
        (900, 400)
    ]
    assert change(owner, "UPDATE commerce_charge SET refunded_minor = refunded_minor + 1") == 1


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.FROZEN])
def test_a_closed_wallet_stays_closed(status: Status, owner: psycopg.Connection) -> None:
    holder = _a_closed_wallet()

    with pytest.raises(pg.RestrictViolation):
        change(owner, "UPDATE wallets_wallet SET status = %s WHERE status = 'closed'", status)

    assert _status(owner, holder) == Status.CLOSED


def _a_closed_wallet() -> Holder:
    holder = a_client(holds="1.00")
    holder.api.post("/wallet/withdraw", {"wallet": str(holder.wallet_id), "amount": 1})
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.CLOSED, reason="Left", actor=None)
    )
    return holder


def _status(owner: psycopg.Connection, holder: Holder) -> str:
    query = "SELECT status FROM wallets_wallet WHERE id = %s"
    [(status,)] = owner.execute(query, [holder.wallet_id]).fetchall()
    return str(status)
