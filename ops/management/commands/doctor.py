"""`manage.py doctor`: what keeps this installation from moving money."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from ops import embedded_postgres, listen_address, scheduler

LEDGER_TABLE = "ledger_transaction"
MONTHS_AHEAD = 3
REPLICA_SECONDS = 5


class Wrong(Exception):
    """A check failed. Its text says what is wrong and what helps."""


class Command(BaseCommand):
    """Checks one thing after another, also after a failure, and changes nothing.

    An embedded database that stands still is started for as long as that takes; one that does not
    exist is not created. Wrong settings never get here: `manage.py` names them all and ends.
    """

    help = (
        "Check settings, data directory, port, database, migrations, rights, partitions, jobs, and"
        " the replica."
    )
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Print a line for each check. Ends with status 1 when one of them is wrong."""
        self._failures = 0
        self._report("settings", check_settings)
        if settings.IS_DEMO:
            self._report("data directory", check_data_dir)
        self._report("port", check_port)
        with ExitStack() as stack:
            if self._report("database", lambda: check_database(stack)) and has_database():
                self._report("migrations", check_migrations)
                self._report("rights", check_rights)
                self._report("partitions", check_partitions)
                self._report("jobs", check_jobs)
                if settings.REPLICA_URL:
                    self._report("replica", check_replica)
        if self._failures:
            raise SystemExit(1)

    def _report(self, name: str, check: Callable[[], str]) -> bool:
        try:
            self.stdout.write(f"ok     {name}: {check()}")
        except (Wrong, DatabaseError, embedded_postgres.EmbeddedPostgresError) as error:
            reason = str(error).splitlines()[0]
            self.stdout.write(f"WRONG  {name}: {reason}")
            self._failures += 1
            return False
        return True


def check_settings() -> str:
    """Look for names that look like settings and are none: typos mostly."""
    if settings.UNKNOWN_VARIABLES:
        raise Wrong(f"there is no such setting: {', '.join(settings.UNKNOWN_VARIABLES)}")
    return "all can be used"


def check_data_dir() -> str:
    """Look whether files can be made in the data directory, or where it would be made."""
    place: Path = settings.DATA_DIR
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return f"{settings.DATA_DIR} can be written"
    except OSError as error:
        raise Wrong(f"{place} cannot be written: {error.strerror}") from error


def check_port() -> str:
    """Look whether the service answers at its address, or could."""
    address = listen_address.address(settings.HOST, settings.PORT)
    if listen_address.answers(settings.HOST, settings.PORT, settings.ALLOWED_HOSTS):
        return f"the service answers at {address}"
    try:
        listen_address.require_free(settings.HOST, settings.PORT)
    except OSError as error:
        raise Wrong(f"{address}: {error.strerror}") from error
    return f"{address} is free"


def has_database() -> bool:
    """Return whether there is a database to look into."""
    return not settings.IS_DEMO or embedded_postgres.exists(settings.DATA_DIR)


def check_database(stack: ExitStack) -> str:
    """Connect, and keep an embedded server running until the stack ends."""
    if not has_database():
        return "none yet, the first start creates it"
    if settings.IS_DEMO:
        stack.enter_context(embedded_postgres.ensure_running(settings.DATA_DIR))
    # Before the server: an open connection would hold up its end.
    stack.callback(connection.close)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('server_version')")
        user, version = cursor.fetchone()
    return f"PostgreSQL {version} answers {user}"


def check_migrations() -> str:
    """Look for migrations that have not run."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise Wrong(f"{len(missing)} have not run: `manage.py migrate` runs them")
    return "all have run"


def check_rights() -> str:
    """Look whether the role of the service could rewrite what happened."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(to_regclass(%s), 'UPDATE, DELETE, TRUNCATE')",
            [LEDGER_TABLE],
        )
        (may_rewrite,) = cursor.fetchone()
    if may_rewrite is None:
        raise Wrong(f"there is no table {LEDGER_TABLE}")
    if may_rewrite:
        raise Wrong(
            f"the service may change rows of {LEDGER_TABLE}: let DATABASE_URL connect"
            f" as {embedded_postgres.Role.APP}, and DATABASE_OWNER_URL as the owner"
        )
    return f"the service may add to {LEDGER_TABLE}, not change it"


def check_partitions() -> str:
    """Look whether this month and the next ones have a place: without one, no money moves."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            [LEDGER_TABLE],
        )
        existing = {name for (name,) in cursor.fetchall()}
    needed = partition_names(datetime.now(UTC).date())
    missing = [name for name in needed if name not in existing]
    if missing:
        raise Wrong(f"{', '.join(missing)} missing: `manage.py make_partitions` makes them")
    return f"there are {len(existing)}, the next {MONTHS_AHEAD} months among them"


def check_jobs() -> str:
    """Look for scheduled work that failed or was left behind."""
    overview = scheduler.overview()
    if overview.failed:
        names = ", ".join(overview.failed)
        raise Wrong(f"the last run of {names} failed: the worker's log says why")
    if overview.stalled:
        names = ", ".join(overview.stalled)
        raise Wrong(f"{names} left behind by a worker that died: a worker that runs takes over")
    workers = {0: "no worker runs", 1: "a worker runs"}
    return f"none failed, {workers.get(overview.workers, f'{overview.workers} workers run')}"


def check_replica() -> str:
    """Look whether the replica follows, and how far it is behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()")
        (written,) = cursor.fetchone()
    try:
        with psycopg.connect(settings.REPLICA_URL, connect_timeout=REPLICA_SECONDS) as replica:
            row = replica.execute(
                "SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL,"
                " pg_wal_lsn_diff(%s, pg_last_wal_replay_lsn())",
                [written],
            ).fetchone()
    except psycopg.Error as error:
        reason = str(error).splitlines()[0]
        raise Wrong(f"it does not answer, so the primary does: {reason}") from error
    follows, behind_bytes = row or (False, None)
    if not follows:
        raise Wrong("it follows no primary, so nobody reads from it")
    return f"it follows, {max(0, int(behind_bytes))} bytes of the log behind"


def partition_names(today: date) -> list[str]:
    """Return the names of the partitions of this month and the `MONTHS_AHEAD` after it."""
    months = (today.year * 12 + today.month - 1 + ahead for ahead in range(MONTHS_AHEAD + 1))
    return [f"{LEDGER_TABLE}_{month // 12}_{month % 12 + 1:02}" for month in months]
