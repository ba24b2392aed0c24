"""`manage.py migrate`: its lock timeout, and databases that it cannot upgrade."""

import time
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from ops.management.commands import migrate

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def lock_holder(owner_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A connection that locks the table that each migration reads first."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 50)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        yield owner


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_migrate_retries_until_the_table_is_free(
    lock_holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a lock that is released while the migration pauses for the third time
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        # During the pause no session waits for the lock.
        assert waiting_sessions(lock_holder) == 0
        if len(pauses) == 3:
            lock_holder.commit()

    monkeypatch.setattr(time, "sleep", pause)
    out, err = StringIO(), StringIO()

    # When it runs
    call_command("migrate", stdout=out, stderr=err)

    # Then it succeeds, reports each retry, and leaves no timeout behind
    assert pauses == [migrate.PAUSE_SECONDS] * 3
    assert "No migrations to apply" in out.getvalue()
    assert err.getvalue().count("A table is in use.") == 3
    assert lock_timeout() == "0"


def test_migrate_gives_up_after_all_attempts(
    lock_holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    with pytest.raises(CommandError, match="A table was locked for the whole time"):
        call_command("migrate", stdout=StringIO(), stderr=StringIO())

    assert len(pauses) == migrate.ATTEMPTS - 1
    assert lock_timeout() == "0"


def waiting_sessions(lock_holder: psycopg.Connection) -> int:
    """Return how many sessions wait for the locked table."""
    [count] = lock_holder.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'django_migrations'::regclass"
        " AND NOT granted"
    ).fetchone() or [-1]
    return int(count)


@pytest.fixture
def unknown_migration(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """The owner's connection to a database that has run `commerce.0002_intake`."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('commerce', '0002_intake', now())"
        )
        yield owner
        owner.execute("DELETE FROM django_migrations WHERE name = '0002_intake'")


@pytest.fixture
def unsupported_database(unknown_migration: psycopg.Connection) -> Iterator[None]:
    """A database as the unreleased migrations left it: without the migration of `intake`."""
    unknown_migration.execute("UPDATE django_migrations SET app = 'hidden' WHERE app = 'intake'")
    yield
    unknown_migration.execute("UPDATE django_migrations SET app = 'intake' WHERE app = 'hidden'")


def doctor() -> str:
    """Return the doctor's line about the migrations."""
    out = StringIO()
    with suppress(SystemExit):
        call_command("doctor", stdout=out)
    [line] = [line for line in out.getvalue().splitlines() if " migrations: " in line]
    return line


@pytest.mark.parametrize(
    ("is_demo", "remedy"),
    [(True, "`make demo-reset` deletes it"), (False, "use an empty database")],
)
@pytest.mark.usefixtures("unsupported_database")
def test_a_database_of_an_unreleased_version_is_refused(
    settings: Settings, is_demo: bool, remedy: str
) -> None:
    settings.IS_DEMO = is_demo
    problem = r"an older, unreleased version .* \(commerce\.0002_intake has run\)"

    with pytest.raises(CommandError, match=f"{problem}, and it cannot be upgraded: {remedy}"):
        call_command("migrate", stdout=StringIO(), stderr=StringIO())

    assert doctor().startswith("WRONG  migrations: an older, unreleased version")
    assert remedy in doctor()


@pytest.mark.usefixtures("unknown_migration")
def test_a_database_of_a_newer_release_is_supported_for_a_roll_back() -> None:
    out = StringIO()

    call_command("migrate", stdout=out, stderr=StringIO())

    assert "No migrations to apply" in out.getvalue()
    assert doctor() == "ok     migrations: all have run"
