"""A primary, a replica that streams from it, and services on them: real processes, all of them."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from requests import Session

from core import postgres
from core.postgres import Role, database_url
from tests.infrastructure.conftest import DEADLINE_SECONDS, Installation, wait_until

PERSON = {"first_name": "A", "last_name": "B", "phone_number": "+34666666666"}


@dataclass
class Replica:
    """A streaming replica of an embedded server, in a directory of its own."""

    directory: Path
    primary: Path

    def url(self, role: Role = Role.APP) -> str:
        return f"postgresql://{role}@/{postgres.DATABASE}?host={self.directory}"

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
        """Let it receive, but show nothing new."""
        self.query("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.query("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        self.query("SELECT pg_wal_replay_resume()")

    def start(self) -> None:
        settings = postgres.SERVER_SETTINGS | {"unix_socket_directories": str(self.directory)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = f"--log={self.directory / 'server.log'}"
        run_program(self.directory, "pg_ctl", "start", "--wait", log, f"--options={options}")

    def stop(self, mode: str = "fast") -> None:
        run_program(self.directory, "pg_ctl", "stop", "--wait", f"--mode={mode}")


def run_program(pgdata: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a directory, as its owner."""
    postgres._run(pgdata, program, *arguments)


@contextmanager
def a_replica(primary: Path, directory: Path) -> Iterator[Replica]:
    """Copy the running server of the data directory `primary`, and follow it."""
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
    # The primary's, copied with its data.
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
        "WALLET_SERVICE_RATE_LIMITS": "off",
        **more,
    }


class Caller:
    """A client of the service with one wallet, as seen over HTTP."""

    def __init__(self, installation: Installation, email: str) -> None:
        self._url = installation.url
        self._session = Session()
        account = {"email": email, "password": "correct-horse-7", "client": PERSON}
        token = self.post("/client/signup", account)["token"]
        self._session.headers["Authorization"] = f"Token {token}"
        self.wallet = self.post("/wallet/create", {})["wallet"]

    def get(self, path: str) -> dict[str, object]:
        reply = self._session.get(self._url + path, timeout=DEADLINE_SECONDS)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, str]:
        reply = self._session.post(self._url + path, json=body, timeout=DEADLINE_SECONDS)
        assert reply.status_code in (200, 201), reply.text
        return dict(reply.json())
