"""Dumps: retention, atomic writes and the detection of errors.

tests/ops/test_base_backup.py tests their content and restoration.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger.models import Transaction
from ops import backup, embedded_postgres
from tests.factories import a_client

OLDER = ["wallet-20260101T000000Z.dump", "wallet-20260102T000000Z.dump"]


@pytest.fixture(autouse=True)
def as_owner(books: None, owner_dsn: str) -> Iterator[None]:
    """Connect as `manage.py backup` does."""
    app = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = psycopg.conninfo.conninfo_to_dict(owner_dsn)["user"]
    yield
    connection.close()
    connection.settings_dict["USER"] = app


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def only_host_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Take PostgreSQL's programs from the PATH alone, and that from one directory."""

    def not_installed() -> Path:
        raise embedded_postgres.EmbeddedPostgresError

    monkeypatch.setattr(embedded_postgres, "programs", not_installed)
    host = tmp_path / "host"
    host.mkdir()
    monkeypatch.setenv("PATH", str(host))
    return host


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for name in (*OLDER, "notes.txt"):
        (tmp_path / name).touch()

    call_command("backup", tmp_path, keep=2)

    [first, *dumps] = names_in(tmp_path)
    assert (first, len(dumps)) == ("notes.txt", 2)
    assert dumps[0] == OLDER[1]


@pytest.mark.parametrize("damage", ["short", "changed", "empty"])
def test_a_damaged_dump_is_detected(tmp_path: Path, damage: str) -> None:
    a_client(holds="5.00")
    file = backup.dump(tmp_path)
    whole = file.read_bytes()
    middle = len(whole) * 2 // 3
    damaged = {
        "short": whole[:middle],
        "changed": whole[:middle] + bytes(byte ^ 255 for byte in whole[middle:]),
        "empty": b"",
    }
    backup.check(file)
    file.write_bytes(damaged[damage])

    with pytest.raises(backup.BackupError, match="pg_restore"):
        backup.check(file)


def test_a_backup_that_fails_leaves_no_file_and_the_older_ones(
    tmp_path: Path, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / OLDER[0]).touch()
    monkeypatch.setattr(backup, "LOCK_TIMEOUT", "100ms")

    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE wallets_wallet IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CommandError, match="pg_dump ended with 1"):
            call_command("backup", tmp_path, keep=1)

    assert names_in(tmp_path) == [OLDER[0]]


def test_a_restore_into_a_database_with_tables_is_refused(tmp_path: Path) -> None:
    client = a_client(holds="5.00")
    file = backup.dump(tmp_path)

    with pytest.raises(CommandError, match=r"is not empty, there is the function \w+\.$"):
        call_command("restore", file)

    assert Transaction.objects.count() == 1
    assert client.balance_minor == 500


def test_missing_and_older_programs_are_named(tmp_path: Path, only_host_programs: Path) -> None:
    with pytest.raises(backup.BackupError, match=r"pg_dump 18 or newer .* \(there is none\)"):
        backup.dump(tmp_path / "backups")

    program(only_host_programs / "pg_dump", "echo 'pg_dump (PostgreSQL) 15.18 (Debian)'")
    with pytest.raises(backup.BackupError, match=r"pg_dump is 15\): install PostgreSQL's client"):
        backup.dump(tmp_path / "backups")

    assert not (tmp_path / "backups").exists()


def test_no_command_line_contains_the_password(
    tmp_path: Path, only_host_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "not-for-everybody")
    for name in ("pg_dump", "pg_restore"):
        script = f'echo "{name} 99" "$@" >> {tmp_path}/seen; echo $PGPASSWORD >> {tmp_path}/given'
        program(only_host_programs / name, f"echo '{name} (PostgreSQL) 99.1'; {script}")

    backup.dump(tmp_path / "backups")

    seen = (tmp_path / "seen").read_text()
    assert "--format=custom" in seen
    assert "not-for-everybody" not in seen
    assert "not-for-everybody" in (tmp_path / "given").read_text()


def test_an_unusable_directory_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=f"^{tmp_path}/file: File exists"):
        call_command("backup", tmp_path / "file")
    with pytest.raises(CommandError, match="--keep"):
        call_command("backup", tmp_path, keep=0)
