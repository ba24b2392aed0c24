"""Dumps of the whole database and their way back, by PostgreSQL's own programs.

A dump is one snapshot: balances, transactions, queue and idempotency keys agree with each other,
whatever was under way. Works as the role of the default connection, which must own the tables.
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

from ops import embedded_postgres

# Whoever waits longer for a lock than this meets a change of the tables: try later.
LOCK_WAIT = "1min"

_FOREIGN_OBJECTS = """
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
       -- What an extension brought is the cluster's affair.
       AND NOT EXISTS (
               SELECT FROM pg_depend
                WHERE classid = catalog AND objid = object.oid AND deptype = 'e'
           )
     ORDER BY 1 LIMIT 1
"""


class BackupError(Exception):
    """There is no dump, or no way back from it. Its text is for the operator."""


def dump(directory: Path) -> Path:
    """Write a dump into `directory` and return its path. Others cannot read it.

    It is there as a whole, read through once and on the disk, or not at all.
    Raises `BackupError`.
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
            # The counters of the rate limits: the table comes, what they counted does not.
            "--no-unlogged-table-data",
            f"--lock-wait-timeout={LOCK_WAIT}",
            f"--dbname={_conninfo()}",
            # Not its standard output: only into a file does it write where each part begins, by
            # which `check` notices what is missing. It also waits for the disk.
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
    """Read a dump from its first byte to its last. Raises `BackupError` when it is damaged."""
    _run(_program("pg_restore"), "--file=/dev/null", str(file))


def restore(file: Path) -> None:
    """Restore a dump, with its rights, into the database, which must be empty. All or nothing.

    The roles of the dump must exist. Raises `BackupError`.
    """
    check(file)
    _require_empty()
    _run(
        _program("pg_restore"),
        "--single-transaction",
        "--exit-on-error",
        # The tables belong to whoever restores.
        "--no-owner",
        f"--dbname={_conninfo()}",
        str(file),
    )
    with connection.cursor() as cursor:
        # Without statistics the first queries would take the long way.
        cursor.execute("ANALYZE")


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN_OBJECTS)
        found = cursor.fetchone()
    if found:
        name = connection.settings_dict["NAME"]
        raise BackupError(f"The database {name} is not empty, there is the {found[0]}.")


def _program(name: str) -> Path:
    """Return one of PostgreSQL's programs, no older than the server: older ones refuse it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (needed,) = cursor.fetchone()
    found = {path: _major_version(path) for path in _candidates(name)}
    for path, version in found.items():
        if version >= needed:
            return path
    older = ", ".join(f"{path} is {version}" for path, version in found.items())
    raise BackupError(
        f"{name} {needed} or newer is needed, as the server is PostgreSQL {needed}"
        f" ({older or 'there is none'}): install PostgreSQL's client programs of that version."
    )


def _candidates(name: str) -> list[Path]:
    """Return the program of the package, if it is installed, and the one of the host."""
    found = []
    with suppress(embedded_postgres.EmbeddedPostgresError):
        found.append(embedded_postgres.programs() / name)
    if on_path := shutil.which(name):
        found.append(Path(on_path))
    return found


def _major_version(program: Path) -> int:
    told = subprocess.run(  # noqa: S603 (PostgreSQL's programs)
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"\d+", told)
    return int(version[0]) if version else 0


def _conninfo() -> str:
    """Return how to connect, without the password, which would be seen in the list of processes."""
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
        said = " ".join(result.stderr.decode(errors="replace").strip().splitlines()[-3:])
        raise BackupError(f"{program.name} ended with {result.returncode}: {said}")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
