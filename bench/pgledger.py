"""pgledger's own function through psycopg, in a process of a crew: `python -m bench.pgledger URL`.

Its SQL is not ours to carry along: `make bench ARGS="--pgledger DIRECTORY"` takes a clone of it.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench.crew import Work, serve


def install(url: str, clone: Path, accounts: int) -> None:
    """Make its tables and functions, and so many accounts with money in them."""
    with psycopg.connect(url) as owner:
        for file in (*sorted(clone.glob("vendor/*/*.sql")), clone / "pgledger.sql"):
            owner.execute(file.read_bytes())
        owner.execute("SELECT pgledger_create_account('bank', 'USD')")
        owner.execute(
            "SELECT count(a.*) FROM generate_series(1, %s) AS n,"
            " pgledger_create_account('wallet' || n, 'USD', allow_negative_balance => false) AS a",
            [accounts],
        )
        owner.execute(
            "SELECT count(*) FROM pgledger_accounts b, pgledger_accounts w,"
            " pgledger_create_transfer(b.id, w.id, 1000000)"
            " WHERE b.name = 'bank' AND w.name <> 'bank'"
        )


def main(url: str) -> None:
    """Move money between random wallets."""
    with psycopg.connect(url) as reader:
        found = reader.execute("SELECT id FROM pgledger_accounts WHERE name <> 'bank'").fetchall()
    wallets = [str(wallet) for (wallet,) in found]
    serve(lambda: _moving(url, wallets))


def _moving(url: str, wallets: Sequence[str]) -> Work:
    connection = psycopg.connect(url, autocommit=True)
    chance = random.Random()

    def work() -> int:
        connection.execute(
            "SELECT id FROM pgledger_create_transfer(%s, %s, %s)", [*chance.sample(wallets, 2), 1]
        ).fetchone()
        return 1

    return work


if __name__ == "__main__":
    main(sys.argv[1])
