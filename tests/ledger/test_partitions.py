"""Partitions exist before the months that they are for."""

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DataError, connection
from psycopg import errors as pg

from tests.factories import a_client, a_company

pytestmark = pytest.mark.usefixtures("books")

ROW = (
    "INSERT INTO ledger_transaction (id, kind, asset_id, amount_minor, source_id, target_id,"
    " source_is_system, target_is_system, source_balance_minor, target_balance_minor,"
    " source_version, target_version)"
    " VALUES (overlay(uuidv7()::text PLACING left(first_id_at(%(month)s)::text, 13) FROM 1)::uuid,"
    " 'transfer', 'USD', 1, %(source)s, %(target)s, false, false, 0, 1, 1, 1)"
    " RETURNING tableoid::regclass::text"
)
NAMES = (
    "SELECT 'ledger_transaction_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC')"
    " + make_interval(months => ahead), 'YYYY_MM') FROM generate_series(%s::int, %s::int) AS ahead"
    " ORDER BY 1"
)
WALLETS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(4)]


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_dsn, autocommit=True) as connected:
        yield connected


@pytest.fixture(autouse=True)
def drop_new_partitions(owner: psycopg.Connection) -> Iterator[None]:
    """Drop the partitions that a test has made."""
    before = partitions(owner)
    yield
    for name in sorted(partitions(owner) - before):
        owner.execute(f"ALTER TABLE ledger_transaction DETACH PARTITION {name}")
        owner.execute(f"DROP TABLE {name}")


def partitions(owner: psycopg.Connection) -> set[str]:
    rows = owner.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'ledger_transaction'::regclass"
    )
    return {str(name) for (name,) in rows}


def names(owner: psycopg.Connection, first: int, last: int) -> list[str]:
    """Return the names of the partitions of the months `first` to `last` from now."""
    return [str(name) for (name,) in owner.execute(NAMES, [first, last])]


def make_partitions(months: int) -> list[str]:
    """Run `manage.py make_partitions` as the app's role; return the names that it prints."""
    out = StringIO()
    call_command("make_partitions", months=months, stdout=out)
    lines = out.getvalue().splitlines()
    return [line.removeprefix("made ") for line in lines if line.startswith("made ")]


def test_the_migration_makes_partitions_from_last_month_to_24_months_ahead(
    owner: psycopg.Connection,
) -> None:
    assert sorted(partitions(owner)) == names(owner, -1, 24)


def test_the_command_makes_only_the_missing_partitions(owner: psycopg.Connection) -> None:
    assert make_partitions(24) == []
    assert make_partitions(30) == names(owner, 25, 30)
    assert sorted(partitions(owner)) == names(owner, -1, 30)
    assert make_partitions(30) == []
    assert sorted(partitions(owner)) == names(owner, -1, 30)


@pytest.mark.skipif(
    not settings.IS_DEMO, reason="With DATABASE_URL the owner and the app may be one role."
)
def test_at_most_36_months_ahead_are_made(owner: psycopg.Connection) -> None:
    before = partitions(owner)

    with pytest.raises(DataError, match="three years"), connection.cursor() as cursor:
        cursor.execute("SELECT make_transaction_partitions(37)")

    assert partitions(owner) == before


def test_a_new_partition_belongs_to_the_owner_alone(owner: psycopg.Connection) -> None:
    [made] = make_partitions(25)

    [(partition_owner,)] = owner.execute(
        "SELECT relowner::regrole::text FROM pg_class WHERE oid = %s::regclass", [made]
    ).fetchall()
    assert partition_owner == owner.info.user
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, has_table_privilege(%(table)s,"
            " 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')",
            {"table": made},
        )
        assert cursor.fetchall() == [(connection.settings_dict["USER"], False)]


def test_rows_of_a_new_month_are_append_only(owner: psycopg.Connection) -> None:
    [made] = make_partitions(25)

    with owner.transaction(force_rollback=True):
        assert insert_in_month(owner, 25, WALLETS[0], WALLETS[1]) == made
        for change in (
            f"UPDATE {made} SET amount_minor = 2",
            f"DELETE FROM {made}",
            f"TRUNCATE {made}",
            "UPDATE ledger_transaction SET amount_minor = 2",
        ):
            with pytest.raises(pg.RestrictViolation), owner.transaction():
                owner.execute(change)


def test_rows_of_a_new_month_have_one_entry_per_version(owner: psycopg.Connection) -> None:
    make_partitions(25)

    with owner.transaction(force_rollback=True):
        insert_in_month(owner, 25, WALLETS[0], WALLETS[1])
        for source, target in ((WALLETS[0], WALLETS[2]), (WALLETS[2], WALLETS[1])):
            with pytest.raises(pg.UniqueViolation), owner.transaction():
                insert_in_month(owner, 25, source, target)
        insert_in_month(owner, 25, WALLETS[2], WALLETS[3])


def test_rows_of_a_new_month_are_checked_by_the_constraints(owner: psycopg.Connection) -> None:
    make_partitions(25)

    with (
        owner.transaction(force_rollback=True),
        pytest.raises(pg.CheckViolation) as raised,
    ):
        insert_in_month(owner, 25, WALLETS[0], WALLETS[0])

    assert raised.value.diag.constraint_name == "source_is_not_target"


def test_a_new_month_begins_where_the_last_one_ends(owner: psycopg.Connection) -> None:
    months = make_partitions(26)

    with owner.transaction(force_rollback=True):
        before = insert_in_month(owner, 26, WALLETS[0], WALLETS[1], earlier="1 millisecond")
        first = insert_in_month(owner, 26, WALLETS[2], WALLETS[3])

    assert [before, first] == months


def test_partitions_are_made_while_money_moves(owner: psycopg.Connection) -> None:
    payer, company = a_client(holds="10.00"), a_company()

    with owner.transaction(force_rollback=True):
        insert_in_month(owner, 0, WALLETS[0], WALLETS[1])  # an open transaction, which also reads
        made = make_partitions(25)
        reply = company.api.post(
            "/wallet/charge", {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
        )

    assert len(made) == 1
    assert reply.status == 200


def insert_in_month(
    owner: psycopg.Connection, ahead: int, source: str, target: str, *, earlier: str = "0"
) -> str:
    """Insert a row at the beginning of a month; return the partition that contains it."""
    [(month,)] = owner.execute(
        "SELECT date_add(date_trunc('month', now(), 'UTC'), make_interval(months => %s), 'UTC')"
        " - %s::interval",
        [ahead, earlier],
    ).fetchall()
    [(table,)] = owner.execute(ROW, {"month": month, "source": source, "target": target}).fetchall()
    return str(table)
