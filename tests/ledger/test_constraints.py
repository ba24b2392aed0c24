"""Database constraints, which hold for every role."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from psycopg import sql

from ledger.kinds import RULES, Kind
from tests.factories import ClientFactory, CompanyFactory

pytestmark = pytest.mark.usefixtures("books")

Row = dict[str, Any]
WALLET_ID, OTHER_WALLET_ID = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the owner, who has all rights; its changes are rolled back."""
    with psycopg.connect(owner_dsn) as owner, owner.transaction(force_rollback=True):
        yield owner


def insert(owner: psycopg.Connection, table: str, row: Mapping[str, Any]) -> None:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    with owner.transaction():
        owner.execute(statement, row)


def refuse(owner: psycopg.Connection, table: str, row: Mapping[str, Any], *, by: str) -> None:
    """Insert a row that the constraint `by` must refuse."""
    with pytest.raises(psycopg.IntegrityError) as raised:
        insert(owner, table, row)
    assert raised.value.diag.constraint_name == by


def a_transfer(**changes: Any) -> Row:
    row: Row = {
        "kind": "transfer",
        "asset_id": "USD",
        "amount_minor": 100,
        "source_id": WALLET_ID,
        "target_id": OTHER_WALLET_ID,
        "source_is_system": False,
        "target_is_system": False,
        "source_balance_minor": 0,
        "target_balance_minor": 100,
        "source_version": 1,
        "target_version": 1,
        "failure_code": None,
    }
    return row | changes


NO_BALANCES: Row = dict.fromkeys(
    ("source_balance_minor", "target_balance_minor", "source_version", "target_version")
)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("amount_positive", {"amount_minor": 0}),
        ("amount_positive", {"amount_minor": -1}),
        ("source_is_not_target", {"target_id": WALLET_ID}),
        ("completed_has_balances", {"failure_code": "balance_limit"}),
        ("completed_has_balances", {"source_balance_minor": None}),
        ("completed_has_balances", {"target_balance_minor": None}),
        ("completed_has_balances", {"source_version": None}),
        ("completed_has_balances", {"target_version": None}),
        ("completed_has_balances", NO_BALANCES),
        (
            "completed_has_balances",
            NO_BALANCES | {"failure_code": "balance_limit", "target_version": 1},
        ),
        ("completed_has_balances", {"kind": "deposit", "source_is_system": True}),
        ("legal_movement", {"kind": "gift"}),
    ],
)
def test_a_transaction_is_refused_by(
    constraint: str, changes: Row, owner: psycopg.Connection
) -> None:
    refuse(owner, "ledger_transaction", a_transfer(**changes), by=constraint)


def test_valid_transactions_are_accepted(owner: psycopg.Connection) -> None:
    insert(owner, "ledger_transaction", a_transfer())
    insert(
        owner, "ledger_transaction", a_transfer(**NO_BALANCES, failure_code="insufficient_funds")
    )


def test_sql_accepts_the_movements_that_kinds_declare_and_no_others(
    owner: psycopg.Connection,
) -> None:
    accepted = set()
    for kind in Kind:
        for is_source, is_target in ((False, False), (False, True), (True, False), (True, True)):
            row = a_transfer(
                **NO_BALANCES,
                kind=kind.value,
                source_is_system=is_source,
                target_is_system=is_target,
                failure_code="balance_limit",
            )
            with suppress(pg.CheckViolation):
                insert(owner, "ledger_transaction", row)
                accepted.add((kind, is_source, is_target))

    assert accepted == {
        (kind, source is not None, target is not None)
        for kind, rules in RULES.items()
        for source, target in rules.sides
    }


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_version_of_a_wallet_is_one_entry(side: str, owner: psycopg.Connection) -> None:
    insert(owner, "ledger_transaction", a_transfer())
    another = {"source_id": uuid.uuid4(), "target_id": uuid.uuid4()}
    same_side = a_transfer(**another) | {f"{side}_id": a_transfer()[f"{side}_id"]}

    with pytest.raises(pg.UniqueViolation):
        insert(owner, "ledger_transaction", same_side)

    insert(owner, "ledger_transaction", same_side | {f"{side}_version": 2})


def a_wallet(**changes: Any) -> Row:
    row: Row = {
        "id": uuid.uuid4(),
        "asset_id": "USD",
        "owner_role": "client",
        "slot": 1,
        "status": "active",
        **dict.fromkeys(("owner_id", "purpose")),
        **dict.fromkeys(("balance_minor", "held_minor", "version"), 0),
        **dict.fromkeys(("created_at", "updated_at"), "now"),
    }
    return row | changes


CREDITS: Row = {"symbol": "TESTED", "name": "Tested", "decimals": 8, "is_cash": False}
A_SYSTEM_WALLET: Row = dict.fromkeys(("owner_id", "owner_role", "slot", "balance_minor")) | {
    "purpose": "funding"
}


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("held_within_balance", {"version": 1, "balance_minor": -1}),
        ("held_within_balance", {"version": 1, "balance_minor": 5, "held_minor": 6}),
        ("held_within_balance", {"held_minor": -1}),
        ("version_not_negative", {"version": -1}),
        ("balance_needs_entry", {"balance_minor": 1}),
        ("status_is_known", {"status": "lost"}),
        ("charges_is_known", {"charges": "closed"}),
        ("either_owned_or_system", {"purpose": "funding"}),
        ("either_owned_or_system", {"balance_minor": None}),
        ("either_owned_or_system", {"owner_role": None}),
        ("either_owned_or_system", A_SYSTEM_WALLET | {"balance_minor": 0}),
        ("either_owned_or_system", A_SYSTEM_WALLET | {"status": "frozen"}),
        ("either_owned_or_system", A_SYSTEM_WALLET | {"version": 1}),
        ("either_owned_or_system", A_SYSTEM_WALLET | {"purpose": None}),
        ("one_system_wallet_per_purpose", A_SYSTEM_WALLET),
    ],
)
def test_a_wallet_is_refused_by(constraint: str, changes: Row, owner: psycopg.Connection) -> None:
    wallet = a_wallet(owner_id=ClientFactory.create().user.id)
    insert(owner, "wallets_wallet", wallet)
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes
    )
    change = sql.SQL("UPDATE wallets_wallet SET {} WHERE id = %(id)s").format(assignments)

    with pytest.raises(psycopg.IntegrityError) as raised:
        owner.execute(change, wallet | changes)

    assert raised.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "changes",
    [{"version": 1}, {"version": 1, "balance_minor": 1}, {"balance_minor": 1}, {"held_minor": 1}],
)
def test_a_wallet_that_does_not_start_empty_is_refused(
    changes: Row, owner: psycopg.Connection
) -> None:
    client = ClientFactory.create().user

    with pytest.raises(pg.CheckViolation):
        insert(owner, "wallets_wallet", a_wallet(owner_id=client.id) | changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("one_cash_wallet_per_slot", {"slot": 1}),
        ("one_wallet_per_company", {"slot": 2}),
        ("owner_role_matches", {"slot": 2, "owner_role": "client"}),
        ("owner_role_matches", {"slot": 1, "owner_id": WALLET_ID}),
    ],
)
def test_a_companys_second_cash_wallet_is_refused_by(
    constraint: str, changes: Row, owner: psycopg.Connection
) -> None:
    company = CompanyFactory.create().user
    first = a_wallet(owner_id=company.id, owner_role="company", slot=1)
    insert(owner, "wallets_wallet", first)

    second = {"id": uuid.uuid4(), "asset_id": "EUR"} | changes
    refuse(owner, "wallets_wallet", first | second, by=constraint)


@pytest.mark.parametrize(("asset", "slot"), [("USD", None), ("TESTED", 1)])
def test_a_wallet_has_a_slot_exactly_when_it_holds_cash(
    asset: str, slot: int | None, owner: psycopg.Connection
) -> None:
    company = CompanyFactory.create().user
    insert(owner, "wallets_asset", CREDITS)
    wallet = a_wallet(owner_id=company.id, owner_role="company", asset_id=asset)

    with pytest.raises(pg.CheckViolation):
        insert(owner, "wallets_wallet", wallet | {"slot": slot})

    insert(owner, "wallets_wallet", wallet | {"slot": None if slot else 1})


@pytest.mark.parametrize("is_owned", [True, False])
def test_a_wallet_of_an_unknown_asset_is_refused(is_owned: bool, owner: psycopg.Connection) -> None:
    client = ClientFactory.create().user
    wallet = a_wallet(owner_id=client.id) | ({} if is_owned else A_SYSTEM_WALLET)

    with pytest.raises(pg.ForeignKeyViolation):
        insert(owner, "wallets_wallet", wallet | {"asset_id": "UNKNOWN"})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wallets_wallet SET asset_id = 'EUR' WHERE asset_id = 'USD'",
        "UPDATE wallets_asset SET symbol = 'DOLLAR' WHERE symbol = 'USD'",
        "DELETE FROM wallets_asset",
        "TRUNCATE wallets_asset CASCADE",
    ],
)
def test_a_wallets_asset_is_immutable(change: str, owner: psycopg.Connection) -> None:
    insert(owner, "wallets_wallet", a_wallet(owner_id=ClientFactory.create().user.id))

    with pytest.raises(pg.RestrictViolation):
        owner.execute(change)


def test_an_email_address_in_capitals_is_refused(owner: psycopg.Connection) -> None:
    client = ClientFactory.create().user

    with pytest.raises(pg.CheckViolation):
        owner.execute(
            "UPDATE accounts_user SET email = upper(email) WHERE id = %s",
            [client.id],
        )


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [("decimals_at_most_8", {"decimals": 9}), ("symbol_upper_case", {"symbol": "Gold"})],
)
def test_an_asset_is_refused_by(constraint: str, changes: Row, owner: psycopg.Connection) -> None:
    refuse(owner, "wallets_asset", CREDITS | changes, by=constraint)
    insert(owner, "wallets_asset", CREDITS)


@pytest.mark.parametrize("refunded_minor", [-1, 101])
def test_refunds_beyond_a_charge_are_refused(
    refunded_minor: int, owner: psycopg.Connection
) -> None:
    charge: Row = {"transaction_id": WALLET_ID, "amount_minor": 100}
    over = charge | {"refunded_minor": refunded_minor}
    refuse(owner, "commerce_charge", over, by="refunds_within_charge")
    insert(owner, "commerce_charge", charge | {"refunded_minor": 100})
