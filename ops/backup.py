"""Dumps of the whole database and their restoration, by pg_dump and pg_restore.

A dump is one snapshot: balances, transactions, queue and idempotency keys are consistent with each
other, also under load. Works as the role of the default connection, which must own the tables.
"""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

import core
from ops import embedded_postgres

# pg_dump fails when it waits longer for a lock, which a migration may hold.
LOCK_TIMEOUT = "1min"
_DATABASE_RIGHTS = Path(core.__file__).parent / "sql" / "database_rights.sql"

_FIRST_EXISTING_OBJECT = """
    SELECT kind || ' ' || name FROM (
        SELECT oid, 'pg_class'::regclass AS catalog, relnamespace AS namespace,
               'relation' AS kind, relname AS name
          FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
         UNION ALL
        SELECT oid, 'pg_proc'::regclass, pronamespace, 'function', proname FROM pg_proc
    ) object
     WHERE namespace NOT IN (
               SELECT oid FROM pg_namespace
                WHERE nspname = 'information_schema' OR starts_with(nspname, 'pg_')
           )
       -- The objects of extensions do not count.
       AND NOT EXISTS (
               SELECT FROM pg_depend
                WHERE classid = catalog AND objid = object.oid AND deptype = 'e'
           )
     ORDER BY 1 LIMIT 1
"""


class BackupError(Exception):
    """A dump or a restoration failed. The text is for the operator."""


def dump(directory: Path) -> Path:
    """Write a dump into `directory` and return its path. Only its owner can read it.

    The file appears once it is complete, verified and synced to the disk. Raises `BackupError`.
    """
    pg_dump = _program("pg_dump")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=".", suffix=".part")
    os.close(descriptor)
    draft = Path(name)
    try:
        _run(
            pg_dump,
            "--format=custom",
            # The counters of the rate limits: the table is dumped without its rows.
            "--no-unlogged-table-data",
            f"--lock-wait-timeout={LOCK_TIMEOUT}",
            f"--dbname={_conninfo()}",
            # A file, not the standard output: only a file gets the offsets of its parts, by which
            # `check` detects missing ones, and is synced to the disk.
            f"--file={draft}",
        )
        check(draft)
        target = directory / f"wallet-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(directory)
    return target


def dumps(directory: Path) -> list[Path]:
    """Return the dumps in `directory`, the oldest first."""
    return sorted(directory.glob("wallet-*.dump"))


def check(file: Path) -> None:
    """Read the whole dump. Raises `BackupError` when it is damaged."""
    _run(_program("pg_restore"), "--file=/dev/null", str(file))


def restore(file: Path) -> None:
    """Restore a dump and its rights into an empty database, in one transaction.

    The roles of the dump must exist. Raises `BackupError`.
    """
    check(file)
    _require_empty()
    _run(
        _program("pg_restore"),
        "--single-transaction",
        "--exit-on-error",
        # The restoring role becomes the owner of the tables.
        "--no-owner",
        f"--dbname={_conninfo()}",
        str(file),
    )
    with connection.cursor() as cursor:
        # Those on the database itself are in no dump.
        cursor.execute(_DATABASE_RIGHTS.read_text("utf-8"))
        # Without statistics the first queries would get bad plans.
        cursor.execute("ANALYZE")


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_EXISTING_OBJECT)
        existing = cursor.fetchone()
    if existing:
        name = connection.settings_dict["NAME"]
        raise BackupError(f"The database {name} is not empty, there is the {existing[0]}.")


def _program(name: str) -> Path:
    """Return the path of a PostgreSQL program that is not older than the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (server_version,) = cursor.fetchone()
    versions = {path: _major_version(path) for path in _candidates(name)}
    for path, version in versions.items():
        if version >= server_version:
            return path
    older = ", ".join(f"{path} is {version}" for path, version in versions.items())
    raise BackupError(
        f"{name} {server_version} or newer is needed, as the server is PostgreSQL {server_version}"
        f" ({older or 'there is none'}): install PostgreSQL's client programs of that version."
    )


def _candidates(name: str) -> list[Path]:
    """Return the program of the embedded PostgreSQL, if installed, and the one on the PATH."""
    paths = []
    with suppress(embedded_postgres.EmbeddedPostgresError):
        paths.append(embedded_postgres.programs() / name)
    if on_path := shutil.which(name):
        paths.append(Path(on_path))
    return paths


def _major_version(program: Path) -> int:
    output = subprocess.run(  # noqa: S603 (PostgreSQL's programs)
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"\d+", output)
    return int(version[0]) if version else 0


def _conninfo() -> str:
    """Return the connection string without the password, which the process list would show."""
    return make_conninfo(**{k: v for k, v in _parameters().items() if k != "password"})


def _parameters() -> dict[str, str]:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    given = connection.get_connection_params()
    return {name: str(value) for name, value in given.items() if name in known and value}


def _run(program: Path, *arguments: str) -> None:
    password = _parameters().get("password")
    result = subprocess.run(  # noqa: S603 (PostgreSQL's programs, our arguments)
        [program, *arguments],
        env={**os.environ, **({"PGPASSWORD": password} if password else {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if result.returncode:
        output = " ".join(result.stderr.decode(errors="replace").strip().splitlines()[-3:])
        raise BackupError(f"{program.name} ended with {result.returncode}: {output}")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
