"""Transactions by the million, written as sets by the database's owner: a past for a wallet."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Self

import psycopg

from ops.embedded_postgres import DATABASE, Role, database_url
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Purpose

_SQL = Path(__file__).with_name("sql") / "backfill.sql"
_DAY_MS = 24 * 60 * 60 * 1000
#: The directory is temporary, so no write needs to reach the disk.
_FAST = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "'16GB'"}
#: So many rows in a statement, about.
_STEP = 100_000
_WRITERS = 2


class Backfill:
    """Charges of `payers` by `companies`, which must be empty wallets: see backfill.sql."""

    def __init__(
        self,
        data_dir: Path,
        payers: Sequence[uuid.UUID],
        companies: Sequence[uuid.UUID],
        database: str = DATABASE,
    ) -> None:
        if len(payers) % len(companies):
            raise ValueError("Each company must have the same number of payers.")
        self._url = database_url(data_dir, Role.OWNER, database)
        self._superuser = database_url(data_dir, Role.SUPERUSER)
        self._payers, self._companies = payers, companies

    def __enter__(self) -> Self:
        self._command(*(f"ALTER SYSTEM SET {name} = {value}" for name, value in _FAST.items()))
        with psycopg.connect(self._url) as owner, owner.cursor() as cursor:
            cursor.execute(_SQL.read_bytes())
            cursor.execute("TRUNCATE bench_wallets")
            with cursor.copy("COPY bench_wallets (side, j, id) FROM STDIN") as copy:
                for side, wallets in (("payer", self._payers), ("company", self._companies)):
                    for j, wallet in enumerate(wallets):
                        copy.write_row((side, j, wallet))
            cursor.execute("ANALYZE bench_wallets")
        return self

    def __exit__(self, *error: object) -> None:
        with psycopg.connect(self._url) as owner:
            owner.execute("DROP TABLE bench_wallets")
        self._command(*(f"ALTER SYSTEM RESET {name}" for name in _FAST), "CHECKPOINT")

    def write(self, rounds: int, *, until: datetime, days: float, recent: int = 0) -> None:
        """Write the deposits, then `rounds` rounds over the `days` before `until`.

        The last `recent` rounds are of the hour before it.
        """
        now = int(until.timestamp() * 1000)
        since, hour_ago = now - int(days * _DAY_MS), now - _DAY_MS // 24
        early = rounds - recent
        turn = hour_ago if recent else now
        step = max(1, _STEP // len(self._payers))
        moment = {n: since + (turn - since) * n // max(1, early) for n in range(0, early, step)}
        moment[early] = turn
        parts = [
            (first + 1, min(first + step, early), at, moment[min(first + step, early)])
            for first, at in moment.items()
            if first < early
        ]
        if recent:
            parts.append((early + 1, rounds, hour_ago, now))
        self._execute("SELECT bench_fill_deposits(%s, %s)", [self._funding(), since - 1])
        with ThreadPoolExecutor(_WRITERS) as pool:
            list(
                pool.map(
                    lambda part: self._execute("SELECT bench_fill(%s, %s, %s, %s)", part), parts
                )
            )
        self._execute("SELECT bench_fill_balances(%s)", [rounds])
        self._execute("ANALYZE ledger_transaction, wallets_wallet", [])

    def _funding(self) -> uuid.UUID:
        return system_wallet_id(DEFAULT_CURRENCY, Purpose.FUNDING)

    def _command(self, *commands: str) -> None:
        with psycopg.connect(self._superuser, autocommit=True) as superuser:
            for command in (*commands, "SELECT pg_reload_conf()"):
                superuser.execute(command.encode())

    def _execute(self, statement: str, values: Sequence[object]) -> None:
        with psycopg.connect(self._url) as owner:
            owner.execute(statement.encode(), values)
