"""A streaming replica, PgBouncer, and callers of services that use them: real processes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from harness.waiting import DEADLINE_SECONDS, wait_until
from ops import embedded_postgres
from ops.embedded_postgres import Role, database_url


@dataclass
class Replica:
    """A streaming replica of an embedded server, in a directory of its own."""

    directory: Path
    primary: Path

    def url(self, role: Role = Role.APP) -> str:
        return f"postgresql://{role}@/{embedded_postgres.DATABASE}?host={self.directory}"

    def query(self, statement: str) -> str:
        """Run a statement on it as the superuser and return the one value."""
        with psycopg.connect(self.url(Role.SUPERUSER), autocommit=True) as superuser:
            row = superuser.execute(statement).fetchone()
        return str(row[0]) if row else ""

    def catch_up(self) -> None:
        """Wait until it has replayed all that the primary has written."""
        with psycopg.connect(database_url(self.primary, Role.SUPERUSER), autocommit=True) as it:
            row = it.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert row is not None
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'"
        wait_until(lambda: self.query(reached) == "True")

    def pause(self) -> None:
        """Pause the replay: the replica receives WAL, but shows no new rows."""
        self.query("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.query("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        self.query("SELECT pg_wal_replay_resume()")

    def start(self) -> None:
        settings = embedded_postgres.SERVER_SETTINGS | {
            "unix_socket_directories": str(self.directory)
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = f"--log={self.directory / 'server.log'}"
        run_program(self.directory, "pg_ctl", "start", "--wait", log, f"--options={options}")

    def stop(self, mode: str = "fast") -> None:
        run_program(self.directory, "pg_ctl", "stop", "--wait", f"--mode={mode}")


def run_program(pgdata: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a directory, as its owner."""
    embedded_postgres._run(pgdata, program, *arguments)


@contextmanager
def a_replica(primary: Path, directory: Path) -> Iterator[Replica]:
    """Run a streaming replica of the server of the data directory `primary`."""
    owner = (primary / "postgres").stat()
    directory.mkdir(mode=0o700)
    os.chown(directory, owner.st_uid, owner.st_gid)
    source = database_url(primary, Role.SUPERUSER, database="postgres")
    run_program(
        directory,
        "pg_basebackup",
        f"--dbname={source}",
        "--write-recovery-conf",
        "--checkpoint=fast",
    )
    # Copied from the primary with its data.
    (directory / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    replica = Replica(directory, primary)
    replica.start()
    try:
        yield replica
    finally:
        if (directory / "postmaster.pid").exists():
            replica.stop("immediate")
        shutil.rmtree(directory)


def server_settings(primary: Path, **more: str) -> dict[str, str]:
    """Return the settings of a service on the embedded server as if it were an operator's."""
    return {
        "DATABASE_URL": database_url(primary, Role.APP),
        "DATABASE_OWNER_URL": database_url(primary, Role.OWNER),
        "WALLET_SERVICE_SECRET_KEY": "a key of the tests",
        "WALLET_SERVICE_HTTPS": "off",
        "WALLET_SERVICE_RATE_LIMITS": "off",
        **more,
    }


@dataclass
class Pooler:
    """PgBouncer in transaction mode before an embedded server, on a socket of its own."""

    directory: Path

    def url(self, database: str = embedded_postgres.DATABASE) -> str:
        return f"postgresql://{Role.APP}@/{database}?host={self.directory}&port=6432"

    def transactions(self) -> int:
        """Return how many database transactions went through it."""
        with psycopg.connect(self.url("pgbouncer"), autocommit=True) as console:
            cursor = console.execute("SHOW STATS_TOTALS")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return sum(
            int(row["xact_count"]) for row in rows if row["database"] == embedded_postgres.DATABASE
        )


@contextmanager
def a_pooler(primary: Path, directory: Path, *, sessions: int) -> Iterator[Pooler]:
    """Run PgBouncer with this many sessions to the server, however many connect to it."""
    owner = (primary / "postgres").stat()
    is_root = os.geteuid() == 0
    directory.mkdir(mode=0o700)
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"""
        [databases]
        {embedded_postgres.DATABASE} = host={primary / "postgres"}
        [pgbouncer]
        pool_mode = transaction
        default_pool_size = {sessions}
        max_client_conn = 200
        listen_addr =
        unix_socket_dir = {directory}
        auth_type = trust
        auth_file = {directory / "users"}
        admin_users = {Role.APP}
        logfile = {directory / "log"}
        """.replace("\n        ", "\n")
    )
    (directory / "users").write_text(f'"{Role.APP}" ""\n')
    for path in (directory, *directory.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    process = subprocess.Popen(
        ["pgbouncer", "--quiet", configuration],
        cwd="/",
        user=owner.st_uid if is_root else None,
        group=owner.st_gid if is_root else None,
        extra_groups=[] if is_root else None,
    )
    try:
        wait_until((directory / ".s.PGSQL.6432").exists)
        yield Pooler(directory)
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
