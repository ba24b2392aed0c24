"""`manage.py doctor`: checks of the installation."""

import stat
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

from accounts.old_emails import old_emails
from ops import embedded_postgres, listen_address, scheduler
from ops.migration_history import UnsupportedDatabase, require_supported_history

LEDGER_TABLE = "ledger_transaction"
MONTHS_AHEAD = 3
REPLICA_SECONDS = 5


class CheckFailed(Exception):
    """A check failed. The text names the problem and, where there is one, the remedy."""


class Command(BaseCommand):
    """Runs all checks, also after a failed one, and changes nothing.

    An embedded database that is stopped is started for the checks; a missing one is not created.
    With invalid settings `manage.py` ends before this command runs.
    """

    help = (
        "Check settings, data directory, port, database, migrations, rights, partitions, jobs,"
        " email addresses, and the replica."
    )
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Print a line for each check. Ends with status 1 when a check failed."""
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
                self._report("email addresses", check_emails)
                if settings.REPLICA_URL:
                    self._report("replica", check_replica)
        if self._failures:
            raise SystemExit(1)

    def _report(self, name: str, check: Callable[[], str]) -> bool:
        try:
            self.stdout.write(f"ok     {name}: {check()}")
        except (CheckFailed, DatabaseError, embedded_postgres.EmbeddedPostgresError) as error:
            reason = str(error).splitlines()[0]
            self.stdout.write(f"WRONG  {name}: {reason}")
            self._failures += 1
            return False
        return True


def check_settings() -> str:
    """Check for settings that do not exist, mostly typos, and for a file that others can read."""
    file = settings.BASE_DIR / ".env"
    if file.exists() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CheckFailed(f"other users can read the secrets in {file}: `chmod 600 {file}`")
    if settings.UNKNOWN_VARIABLES:
        raise CheckFailed(f"there is no such setting: {', '.join(settings.UNKNOWN_VARIABLES)}")
    return "all are valid"


def check_data_dir() -> str:
    """Check that the data directory, or the existing directory above it, is writable."""
    directory: Path = settings.DATA_DIR
    while not directory.exists():
        directory = directory.parent
    try:
        with tempfile.TemporaryFile(dir=directory):
            return f"{settings.DATA_DIR} can be written"
    except OSError as error:
        raise CheckFailed(f"{directory} cannot be written: {error.strerror}") from error


def check_port() -> str:
    """Check that this installation's service answers at its address, or that it is free."""
    address = listen_address.address(settings.HOST, settings.PORT)
    if _is_own_service(settings.HOST, settings.PORT):
        return f"the service answers at {address}"
    noted = listen_address.noted(settings.DATA_DIR) if settings.IS_DEMO else None
    if noted and _is_own_service(*noted):
        return f"the service answers at {listen_address.address(*noted)}, not at {address}"
    if listen_address.answers(settings.HOST, settings.PORT, settings.ALLOWED_HOSTS):
        raise CheckFailed(f"{address}: the service of another installation answers there")
    try:
        listen_address.require_free(settings.HOST, settings.PORT)
    except OSError as error:
        raise CheckFailed(f"{address}: {error.strerror}") from error
    return f"{address} is free"


def _is_own_service(host: str, port: int) -> bool:
    return listen_address.answers(
        host, port, settings.ALLOWED_HOSTS, installation=settings.INSTALLATION
    )


def has_database() -> bool:
    """Return whether there is a database to check."""
    return not settings.IS_DEMO or embedded_postgres.exists(settings.DATA_DIR)


def check_database(stack: ExitStack) -> str:
    """Connect, and keep an embedded server running until the stack ends."""
    if not has_database():
        return "none yet, the first start creates it"
    if settings.IS_DEMO:
        stack.enter_context(embedded_postgres.ensure_running(settings.DATA_DIR))
    # Closed before the server stops: an open connection would delay that.
    stack.callback(connection.close)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('server_version')")
        user, version = cursor.fetchone()
    return f"PostgreSQL {version} answers {user}"


def check_migrations() -> str:
    """Check that all migrations have run, and whether those that have not can run."""
    try:
        require_supported_history(connection)
    except UnsupportedDatabase as error:
        raise CheckFailed(str(error)) from error
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise CheckFailed(f"{len(missing)} have not run: `manage.py migrate` runs them")
    return "all have run"


def check_rights() -> str:
    """Check that the service's database role cannot change recorded transactions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(to_regclass(%s), 'UPDATE, DELETE, TRUNCATE'),"
            "       has_database_privilege(current_database(), 'TEMPORARY'),"
            "       EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = current_user::regrole)",
            [LEDGER_TABLE],
        )
        has_privilege, makes_temporary_tables, has_defaults = cursor.fetchone()
    if has_privilege is None:
        raise CheckFailed(f"there is no table {LEDGER_TABLE}")
    if has_privilege:
        raise CheckFailed(
            f"the service may change rows of {LEDGER_TABLE}: let DATABASE_URL connect"
            f" as {embedded_postgres.Role.APP}, and DATABASE_OWNER_URL as the owner"
        )
    if makes_temporary_tables:
        raise CheckFailed(
            "the service may make temporary tables: let the owner of the database"
            " `REVOKE TEMPORARY ON DATABASE … FROM PUBLIC`"
        )
    if has_defaults:
        raise CheckFailed(
            "defaults are set for the service's role, perhaps by itself: see pg_db_role_setting;"
            " `ALTER ROLE … RESET ALL` ends them"
        )
    return f"the service may add to {LEDGER_TABLE}, not change it"


def check_partitions() -> str:
    """Check that this month and the next ones have partitions: without them no money can move."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            [LEDGER_TABLE],
        )
        existing = {name for (name,) in cursor.fetchall()}
    needed = partition_names(datetime.now(UTC).date())
    missing = [name for name in needed if name not in existing]
    if missing:
        raise CheckFailed(f"{', '.join(missing)} missing: `manage.py make_partitions` creates them")
    return f"there are {len(existing)}, the next {MONTHS_AHEAD} months among them"


def check_jobs() -> str:
    """Check for scheduled jobs that failed or stalled."""
    overview = scheduler.overview()
    if overview.failed:
        runs = ", ".join(f"{name} ({count})" for name, count in overview.failed.items())
        raise CheckFailed(
            f"failed, and none since has made up for it: {runs}; see the worker's log"
        )
    if overview.stalled:
        names = ", ".join(overview.stalled)
        raise CheckFailed(f"{names} stalled, as the worker died: a running worker will retry")
    workers = {0: "no worker runs", 1: "a worker runs"}
    return f"none failed, {workers.get(overview.workers, f'{overview.workers} workers run')}"


def check_emails() -> str:
    """Check for accounts whose address is none by which one can log in: some of before 0.4.0."""
    reasons = [
        f"{user_id} ({'another account has it' if form else 'it has no canonical form'})"
        for user_id, _, form in old_emails()
    ]
    if reasons:
        raise CheckFailed(
            f"nobody can log in by that of {', '.join(reasons)}: `manage.py change_email` mends it"
        )
    return "all are in canonical form"


def check_replica() -> str:
    """Check that the replica replicates, and how far it is behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()")
        (primary_lsn,) = cursor.fetchone()
    try:
        with psycopg.connect(settings.REPLICA_URL, connect_timeout=REPLICA_SECONDS) as replica:
            row = replica.execute(
                "SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL,"
                " pg_wal_lsn_diff(%s, pg_last_wal_replay_lsn())",
                [primary_lsn],
            ).fetchone()
    except psycopg.Error as error:
        reason = str(error).splitlines()[0]
        raise CheckFailed(f"it does not answer, so reads use the primary: {reason}") from error
    is_replicating, lag_bytes = row or (False, None)
    if not is_replicating:
        raise CheckFailed("it follows no primary, so reads do not use it")
    return f"it follows the primary, {max(0, int(lag_bytes))} bytes of WAL behind"


def partition_names(today: date) -> list[str]:
    """Return the names of the partitions of this month and the `MONTHS_AHEAD` after it."""
    months = (today.year * 12 + today.month - 1 + ahead for ahead in range(MONTHS_AHEAD + 1))
    return [f"{LEDGER_TABLE}_{month // 12}_{month % 12 + 1:02}" for month in months]
