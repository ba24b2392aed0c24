"""Constraints and rights of what payers decide: approvals, pay tokens, payment requests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from psycopg import errors as pg

from tests.factories import Holder, a_client, a_company, a_paytoken
from tests.ledger.test_constraints import Row, insert, refuse

pytestmark = pytest.mark.usefixtures("books")

LATER = datetime(2030, 1, 1).astimezone() + timedelta(days=1)
NOW = datetime(2030, 1, 1).astimezone()


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the owner, who has all rights; its changes are rolled back."""
    with psycopg.connect(owner_dsn) as owner, owner.transaction(force_rollback=True):
        yield owner


def an_approval(payer: Holder, shop: Holder, **changes: Any) -> Row:
    row = {"id": uuid4(), "wallet_id": payer.wallet_id, "company_id": shop.user.pk}
    return row | changes


def a_pay_token(payer: Holder, **changes: Any) -> Row:
    row: Row = {
        "id": uuid4(),
        "wallet_id": payer.wallet_id,
        "uses": 3,
        "uses_left": 3,
        "salt": b"s" * 16,
        "digest": uuid4().bytes * 2,
        "expires_at": datetime.now(UTC) + timedelta(minutes=5),
    }
    return row | changes


def a_request(shop: Holder, **changes: Any) -> Row:
    row: Row = {
        "id": uuid4(),
        "payee_id": shop.user.pk,
        "wallet_id": shop.wallet_id,
        "amount_minor": 100,
        "takes_tips": False,
        "summary": "Tea",
        "metadata": "{}",
        "status": "open",
        "expires_at": LATER,
    }
    return row | changes


PAID: Row = {
    "status": "paid",
    "paid_at": NOW,
    "paid_minor": 100,
    "tip_minor": 0,
    "payer_wallet_id": uuid4(),
    "transaction_id": uuid4(),
}


@pytest.mark.parametrize("limit", ["max_amount_minor", "max_per_day_minor"])
@pytest.mark.parametrize("amount_minor", [0, -1])
def test_an_approval_of_nothing_is_refused(
    limit: str, amount_minor: int, owner: psycopg.Connection
) -> None:
    approval = an_approval(a_client(), a_company(), **{limit: amount_minor})
    refuse(owner, "wallets_approval", approval, by="approved_amounts_positive")
    insert(owner, "wallets_approval", approval | {limit: 1})


def test_a_company_has_one_approval_of_a_wallet_that_counts(owner: psycopg.Connection) -> None:
    payer, shop = a_client(), a_company()
    insert(owner, "wallets_approval", an_approval(payer, shop, ended_at=NOW))
    insert(owner, "wallets_approval", an_approval(payer, shop))

    refuse(owner, "wallets_approval", an_approval(payer, shop), by="one_approval_per_company")

    insert(owner, "wallets_approval", an_approval(payer, a_company()))
    insert(owner, "wallets_approval", an_approval(a_client(), shop))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("uses_left_within_uses", {"uses_left": -1}),
        ("uses_left_within_uses", {"uses_left": 4}),
        ("uses_left_within_uses", {"uses": 0, "uses_left": 0}),
        ("uses_left_within_uses", {"uses": 101, "uses_left": 101}),
        ("paytoken_amount_positive", {"max_amount_minor": 0}),
    ],
)
def test_a_pay_token_is_refused_by(
    constraint: str, changes: Row, owner: psycopg.Connection
) -> None:
    payer = a_client()
    refused = a_pay_token(payer, **changes)
    # Without the trigger, which refuses most of these before.
    owner.execute("SET session_replication_role = replica")

    with pytest.raises(pg.CheckViolation) as raised:
        insert(owner, "wallets_paytoken", refused)

    # A column of Django's has a check of its own that it is not negative.
    assert raised.value.diag.constraint_name in (constraint, _not_negative("uses_left", raised))
    insert(owner, "wallets_paytoken", a_pay_token(payer, uses=100, uses_left=0))


def _not_negative(column: str, raised: pytest.ExceptionInfo[pg.CheckViolation]) -> str | None:
    name = raised.value.diag.constraint_name
    return name if name and name.startswith(f"wallets_paytoken_{column}_check") else None


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("requested_amount_positive", {"amount_minor": 0}),
        ("request_status_is_whole", {"status": "expired"}),
        ("request_status_is_whole", {"status": "cancelled"}),
        ("request_status_is_whole", {"cancelled_at": NOW}),
        ("request_status_is_whole", PAID | {"status": "open"}),
        ("request_status_is_whole", PAID | {"cancelled_at": NOW}),
        ("request_payment_is_whole", PAID | {"transaction_id": None}),
        ("request_payment_is_whole", PAID | {"payer_wallet_id": None}),
        ("request_payment_is_whole", PAID | {"tip_minor": None}),
        ("request_payment_is_whole", PAID | {"paid_minor": None}),
        (
            "request_payment_is_whole",
            PAID | {"takes_tips": True, "paid_minor": 99, "tip_minor": -1},
        ),
        ("request_payment_is_whole", {"transaction_id": uuid4()}),
        ("request_paid_as_asked", PAID | {"paid_minor": 99}),
        ("request_paid_as_asked", PAID | {"paid_minor": 101, "tip_minor": 1}),
        ("request_paid_as_asked", PAID | {"takes_tips": True, "paid_minor": 101}),
        (
            "request_paid_as_asked",
            PAID | {"takes_tips": True, "amount_minor": None, "tip_minor": 100},
        ),
    ],
)
def test_a_payment_request_is_refused_by(
    constraint: str, changes: Row, owner: psycopg.Connection
) -> None:
    # Before the constraints, a trigger refuses what did not begin open.
    owner.execute("ALTER TABLE commerce_paymentrequest DISABLE TRIGGER ends_once")
    shop = a_company()
    refuse(owner, "commerce_paymentrequest", a_request(shop, **changes), by=constraint)
    insert(owner, "commerce_paymentrequest", a_request(shop, **PAID))


@pytest.mark.parametrize("changes", [PAID, {"status": "cancelled", "cancelled_at": NOW}])
def test_a_payment_request_that_does_not_begin_open_is_refused(
    changes: Row, owner: psycopg.Connection
) -> None:
    shop = a_company()

    with pytest.raises(pg.CheckViolation):
        insert(owner, "commerce_paymentrequest", a_request(shop, **changes))

    insert(owner, "commerce_paymentrequest", a_request(shop))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE commerce_paymentrequest SET amount_minor = 1",
        "UPDATE commerce_paymentrequest SET wallet_id = payer_wallet_id",
        "UPDATE commerce_paymentrequest SET expires_at = expires_at + interval '1 day'",
        'UPDATE commerce_paymentrequest SET metadata = \'{"a": "b"}\'',
        "DELETE FROM commerce_paymentrequest",
        "TRUNCATE commerce_paymentrequest",
    ],
)
def test_triggers_refuse_even_the_owner_another_request(
    change: str, owner: psycopg.Connection
) -> None:
    insert(owner, "commerce_paymentrequest", a_request(a_company()))
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(pg.RestrictViolation), owner.transaction():
        owner.execute(change)


@pytest.mark.skipif(not settings.IS_DEMO, reason="with DATABASE_URL the roles may be one")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallets_wallet SET address = gen_random_uuid()",
        "UPDATE wallets_paytoken SET uses_left = uses",
        "UPDATE wallets_paytoken SET expires_at = 'infinity'",
        "UPDATE wallets_paytoken SET max_amount_minor = NULL",
        "UPDATE wallets_approval SET max_per_day_minor = NULL",
        "DELETE FROM wallets_approval",
        "UPDATE commerce_paymentrequest SET wallet_id = wallet_id",
        "DELETE FROM commerce_paymentrequest",
    ],
)
def test_the_apps_role_may_not_widen_what_a_payer_decided(statement: str) -> None:
    a_paytoken(a_client(holds="1.00"))

    with connection.cursor() as cursor, pytest.raises(DatabaseError) as raised:
        cursor.execute(statement)

    assert isinstance(raised.value.__cause__, pg.InsufficientPrivilege)


@pytest.mark.parametrize(
    "changes",
    [
        {"uses_left": 2},
        {"revoked_at": datetime.now(UTC)},
        {"expires_at": datetime.now(UTC) + timedelta(days=2)},
    ],
)
def test_a_pay_token_begins_unused_and_lives_for_a_day(
    changes: Row, owner: psycopg.Connection
) -> None:
    with pytest.raises(pg.CheckViolation, match="begins unused, for a day at most"):
        insert(owner, "wallets_paytoken", a_pay_token(a_client(), **changes))


def test_a_pay_token_is_not_deleted_and_made_again(owner: psycopg.Connection) -> None:
    a_paytoken(a_client())
    with pytest.raises(pg.RestrictViolation, match="kept until a day after its end"):
        owner.execute("DELETE FROM wallets_paytoken")


def test_a_request_begins_open_for_a_wallet_of_its_payee(owner: psycopg.Connection) -> None:
    shop, other = a_company(), a_company()
    over = datetime.now(UTC) - timedelta(seconds=1)
    for changes in ({"wallet_id": other.wallet_id}, {"expires_at": over}):
        with pytest.raises(pg.CheckViolation, match="begins open, for a wallet of its payee"):
            insert(owner, "commerce_paymentrequest", a_request(shop, **changes))
