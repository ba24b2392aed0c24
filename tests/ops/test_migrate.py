"""A migration that meets somebody at work on a table: it steps aside and comes back."""

import time
from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ops.management.commands import migrate

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def holder(owner_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """Somebody who holds the table that each migration begins with."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 50)
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        yield owner


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_migrate_comes_back_once_the_table_is_free(
    holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a holder who is done while the migration steps aside for the third time
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        # It stands in nobody's way meanwhile.
        assert waiting(holder) == 0
        if len(pauses) == 3:
            holder.commit()

    monkeypatch.setattr(time, "sleep", pause)
    out, err = StringIO(), StringIO()

    # When it runs
    call_command("migrate", stdout=out, stderr=err)

    # Then it ends well, says why it took so long, and leaves no timeout behind
    assert pauses == [migrate.PAUSE_SECONDS] * 3
    assert "No migrations to apply" in out.getvalue()
    assert err.getvalue().count("A table is in use.") == 3
    assert lock_timeout() == "0"


def test_migrate_gives_up_at_last(
    holder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    with pytest.raises(CommandError, match="A table was in use all the time"):
        call_command("migrate", stdout=StringIO(), stderr=StringIO())

    assert len(pauses) == migrate.ATTEMPTS - 1
    assert lock_timeout() == "0"


def waiting(holder: psycopg.Connection) -> int:
    """Return how many sessions wait for a lock on what it holds."""
    [count] = holder.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'django_migrations'::regclass"
        " AND NOT granted"
    ).fetchone() or [-1]
    return int(count)
