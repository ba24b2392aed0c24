"""Forged ledgers: what the owner of the database can change, and the service cannot."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def tampering(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """Give the owner a connection without triggers; restore the tables afterwards."""
    tables = ("wallets_wallet", "ledger_transaction", "ledger_hold")
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        for table in tables:
            owner.execute(f"CREATE TEMPORARY TABLE {table}_before AS TABLE {table}")
        owner.execute("ALTER TABLE ledger_transaction_before DROP COLUMN created_at")  # generated
        try:
            yield owner
        finally:
            for table in tables:
                _restore(owner, table)


def _restore(owner: psycopg.Connection, table: str) -> None:
    columns = ", ".join(
        str(name)
        for (name,) in owner.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped",
            [f"{table}_before"],
        )
    )
    with owner.transaction():
        owner.execute(f"DELETE FROM {table}")
        owner.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_before")
