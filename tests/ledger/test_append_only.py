"""Transactions are append-only, for the app's role and for the owner."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg import errors as pg

from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")

needs_two_roles = pytest.mark.skipif(
    not settings.IS_DEMO, reason="With DATABASE_URL the owner and the app may be one role."
)
#: `{table}` is the parent or a partition, `{partition}` always the partition.
CHANGES = (
    "UPDATE {table} SET amount_minor = amount_minor + 1",
    "UPDATE {table} SET summary = 'Changed'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
)
INSERT = (
    "INSERT INTO {table} (id, kind, asset_id, amount_minor, source_id, target_id,"
    " source_is_system, target_is_system, failure_code)"
    " SELECT uuidv7(), kind, asset_id, amount_minor, source_id, target_id, source_is_system,"
    " target_is_system, 'balance_limit' FROM ledger_transaction"
)
BYPASSES = (
    "ALTER TABLE ledger_transaction DISABLE TRIGGER append_only",
    "ALTER TABLE {partition} DISABLE TRIGGER ALL",
    "DROP TRIGGER no_truncate ON {partition}",
    "ALTER TABLE ledger_transaction DETACH PARTITION {partition}",
    "DROP TABLE {partition}",
    "SET session_replication_role = replica",
)


@pytest.fixture
def holder() -> Holder:
    """A client whose wallet holds 10.00, by one deposit."""
    return a_client(holds="10.00")


@pytest.fixture(params=["parent", "partition"])
def table(request: pytest.FixtureRequest, holder: Holder) -> str:
    return "ledger_transaction" if request.param == "parent" else partition()


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the owner; its changes are rolled back."""
    with psycopg.connect(owner_dsn) as owner, owner.transaction(force_rollback=True):
        yield owner


def partition() -> str:
    """Return the name of the partition that contains the transactions."""
    return str(scalar("SELECT DISTINCT tableoid::regclass::text FROM ledger_transaction"))


def scalar(query: str) -> Any:
    """Return the single value of the query's single row, read as the app's role."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        [(value,)] = cursor.fetchall()
    return value


def refuse_app(statement: str, values: dict[str, Any] | None = None) -> None:
    """Run a statement as the app's role, which must lack the right to it."""
    with connection.cursor() as cursor, pytest.raises(DatabaseError) as raised:
        cursor.execute(statement, values)
    assert isinstance(raised.value.__cause__, pg.InsufficientPrivilege)


def all_rows() -> tuple[list[Any], list[Any]]:
    """Return all transactions and all wallets."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT t.*, tableoid FROM ledger_transaction t ORDER BY id")
        transactions = cursor.fetchall()
        cursor.execute("SELECT * FROM wallets_wallet ORDER BY id")
        return transactions, cursor.fetchall()


@needs_two_roles
@pytest.mark.parametrize("statement", [*CHANGES, INSERT])
def test_the_apps_role_may_not_change_transactions(statement: str, table: str) -> None:
    before = all_rows()

    refuse_app(statement.format(table=table))

    assert all_rows() == before
    assert Transaction.objects.count() == 1


@needs_two_roles
@pytest.mark.parametrize("statement", BYPASSES)
def test_the_apps_role_cannot_disable_the_protection(statement: str, holder: Holder) -> None:
    refuse_app(statement.format(partition=partition()))


@needs_two_roles
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallets_wallet SET balance_minor = balance_minor + 1",
        "UPDATE wallets_wallet SET version = version + 1",
        "UPDATE wallets_wallet SET held_minor = 1",
        "UPDATE wallets_wallet SET asset_id = 'EUR'",
        "UPDATE wallets_wallet SET owner_id = owner_id",
        "UPDATE wallets_wallet SET slot = NULL",
        "DELETE FROM wallets_wallet",
        "TRUNCATE wallets_wallet CASCADE",
        "UPDATE wallets_asset SET decimals = 3",
        "UPDATE wallets_asset SET is_cash = NOT is_cash",
        "DELETE FROM wallets_asset",
    ],
)
def test_the_apps_role_may_not_change_a_wallets_identity_or_balance(
    statement: str, holder: Holder
) -> None:
    before = all_rows()

    refuse_app(statement)

    assert all_rows() == before
    assert scalar("SELECT decimals FROM wallets_asset WHERE symbol = 'USD'") == 2


@needs_two_roles
def test_the_apps_role_may_not_create_a_wallet_with_a_balance(holder: Holder) -> None:
    def create() -> None:
        Wallet.objects.create(
            owner=holder.user, owner_role="client", asset_id="USD", balance_minor=100, version=1
        )
        transaction.set_rollback(True)

    with pytest.raises(DatabaseError):
        unit_of_work(create)

    assert Wallet.objects.filter(owner=holder.user).count() == 1


@pytest.mark.parametrize("statement", CHANGES)
def test_triggers_refuse_even_the_owner(
    statement: str, table: str, owner: psycopg.Connection
) -> None:
    before = all_rows()

    with pytest.raises(pg.RestrictViolation), owner.transaction():
        owner.execute(statement.format(table=table))

    assert all_rows() == before


def test_triggers_refuse_the_owner_in_every_partition(owner: psycopg.Connection) -> None:
    partitions = [
        str(name)
        for (name,) in owner.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'ledger_transaction'::regclass"
        )
    ]
    assert len(partitions) >= 25

    for name in partitions:
        with pytest.raises(pg.RestrictViolation), owner.transaction():
            owner.execute(f"TRUNCATE {name}")


def test_a_failed_charge_cannot_be_deleted(owner: psycopg.Connection) -> None:
    payer, company = a_client(holds="1.00"), a_company()
    refused = company.api.post(
        "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 2, "summary": "Tea"}
    )
    assert refused.status == 400

    with pytest.raises(pg.RestrictViolation):
        owner.execute("DELETE FROM ledger_transaction WHERE failure_code IS NOT NULL")


@pytest.mark.parametrize("function", ["ledger_post", "make_transaction_partitions"])
def test_other_roles_cannot_call_functions_that_run_as_the_owner(
    function: str, owner_dsn: str
) -> None:
    with psycopg.connect(owner_dsn) as owner:
        rows = owner.execute(
            "SELECT has_function_privilege('pg_monitor', oid, 'EXECUTE') FROM pg_proc"
            " WHERE proname = %s",
            [function],
        ).fetchall()

    assert set(rows) == {(False,)}
