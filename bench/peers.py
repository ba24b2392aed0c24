"""What the ledger is measured against: other people's ledgers, on the same server."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from bench import pgledger
from bench.calls import Service
from bench.crew import PROCESSES, THREADS, Crew
from bench.machine import Stopwatch
from bench.rows import Row, Sample
from bench.service import environment, free_port, web_server
from config.environment import BASE_DIR
from ops.embedded_postgres import Role, database_url

#: So many wallets; the other one is told how many, because it makes them one by one.
PGLEDGER_ACCOUNTS = 10_000
HORDAK_MISSING = "django-hordak is not installed: `make install-bench`"
PGLEDGER_MISSING = (
    "pgledger is not on any package index: clone it, and `make bench ARGS='--pgledger CLONE'`"
)
_HORDAK = {"DJANGO_SETTINGS_MODULE": "bench.hordak.settings"}
_PLAIN = {"DJANGO_SETTINGS_MODULE": "bench.plain.settings"}


def crew_row(name: str, title: str, crew: Crew, data_dir: Path, seconds: float) -> Row:
    """Return the row of what a crew does."""

    def take() -> Sample:
        watch = Stopwatch(data_dir, crew.processes)
        cost = watch.stop(crew.work(seconds))
        return Sample(replace(cost, seconds=max(seconds, cost.seconds)))

    return Row(name, title, take)


def has_hordak() -> bool:
    """Return whether `make install-bench` has run."""
    return importlib.util.find_spec("hordak") is not None


def hordak_row(stack: ExitStack, data_dir: Path, seconds: float, accounts: int) -> Row:
    """Make django-hordak's database, start its crew, and return its row."""
    _create_database(data_dir, "hordak")
    _run_module("bench.hordak.transfers", str(accounts), variables=_HORDAK)
    crew = stack.enter_context(Crew("bench.hordak.transfers", variables=_HORDAK))
    title = f"django-hordak, a lock and a check, {PROCESSES} processes of {THREADS}"
    return crew_row("hordak", title, crew, data_dir, seconds)


def pgledger_row(stack: ExitStack, data_dir: Path, seconds: float, clone: Path) -> Row:
    """Make pgledger's database out of a clone, start its crew, and return its row."""
    _create_database(data_dir, "pgledger")
    url = database_url(data_dir, Role.OWNER, "pgledger")
    pgledger.install(url, clone, PGLEDGER_ACCOUNTS)
    crew = stack.enter_context(Crew("bench.pgledger", url))
    title = f"pgledger through psycopg, {PROCESSES} processes of {THREADS}"
    return crew_row("pgledger", title, crew, data_dir, seconds)


@contextmanager
def plain_service(
    data_dir: Path, seconds: float, *, payers: int, companies: int
) -> Iterator[Service]:
    """Serve the plain counterpart from a database of its own."""
    _create_database(data_dir, "plain")
    data = data_dir / "plain.lua"
    _run_module("bench.plain.fill", str(data), str(payers), str(companies), variables=_PLAIN)
    variables = {**_PLAIN, "PORT": str(free_port())}
    with web_server(variables) as server:
        yield Service(data_dir, server, data, seconds, port=int(variables["PORT"]))


def _create_database(data_dir: Path, name: str) -> None:
    with psycopg.connect(
        database_url(data_dir, Role.SUPERUSER, "postgres"), autocommit=True
    ) as superuser:
        superuser.execute(f"CREATE DATABASE {name} OWNER {Role.OWNER}".encode())


def _run_module(*arguments: str, variables: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", *arguments], cwd=BASE_DIR, env=environment(variables), check=True
    )
