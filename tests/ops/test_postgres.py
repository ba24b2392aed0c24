"""The embedded PostgreSQL: one server for all who use it, gone with the last of them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.environment import BASE_DIR
from ops import embedded_postgres
from ops.embedded_postgres import EmbeddedPostgresError, Role, database_url, ensure_running
from tests.ops.conftest import is_running

USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from ops.embedded_postgres import ensure_running
with ensure_running(Path(sys.argv[1])):
    print("running", flush=True)
    sys.stdin.read()
"""


def start_user(data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE_UNTIL_TOLD, str(data_dir)],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_ready(user: subprocess.Popen[str]) -> bool:
    assert user.stdout is not None
    return user.stdout.readline() == "running\n"


@pytest.fixture
def users(place: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two other processes that begin to use the server at the same moment."""
    users = [start_user(place), start_user(place)]
    yield users
    for user in users:
        if user.poll() is None:
            user.communicate()


def test_two_may_start_at_once_and_the_last_one_stops(
    users: list[subprocess.Popen[str]], place: Path
) -> None:
    first, second = users
    assert is_ready(first)
    assert is_ready(second)
    first.communicate()
    assert is_running(place)
    second.communicate()
    assert not is_running(place)


def test_who_was_killed_does_not_count_as_a_user(
    users: list[subprocess.Popen[str]], place: Path
) -> None:
    killed, survivor = users
    assert is_ready(killed)
    assert is_ready(survivor)
    killed.kill()
    killed.communicate()
    survivor.communicate()
    assert not is_running(place)


def test_what_was_committed_is_there_after_a_stop(place: Path) -> None:
    with ensure_running(place), psycopg.connect(database_url(place, Role.OWNER)) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS value")
    with ensure_running(place), psycopg.connect(database_url(place, Role.OWNER)) as owner:
        assert owner.execute("SELECT value FROM kept").fetchone() == (42,)


def test_it_is_durable_private_and_the_app_has_no_rights(place: Path) -> None:
    with ensure_running(place):
        with psycopg.connect(database_url(place, Role.APP)) as app:
            shown = app.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
                " current_setting('listen_addresses'), current_setting('server_version_num')::int"
            ).fetchone()
            assert shown is not None
            assert shown[:3] == ("on", "on", "")
            assert shown[3] >= 180000
            roles = app.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
                " WHERE rolname IN ('wallet_owner', 'wallet_app') ORDER BY rolname"
            ).fetchall()
            assert roles == [(False, False, False), (False, True, False)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("CREATE TABLE mine ()")
        assert (place / "postgres").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a place with 'spaces'", "long" * 30])
def test_any_path_will_do(place: Path, name: str) -> None:
    data_dir = place / name
    with ensure_running(data_dir), psycopg.connect(database_url(data_dir, Role.APP)) as app:
        assert app.execute("SELECT current_user").fetchone() == ("wallet_app",)
    assert not is_running(data_dir)


def test_what_is_no_directory_is_refused_in_one_line(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="Not a directory") as caught:
        ensure_running(place / "file" / "data")
    assert "\n" not in str(caught.value)


def test_a_broken_cluster_is_told_in_one_line(place: Path) -> None:
    with ensure_running(place):
        pass
    (place / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError) as caught:
        ensure_running(place)
    assert "\n" not in str(caught.value)


def test_it_is_not_deleted_while_somebody_uses_it(place: Path) -> None:
    with ensure_running(place):
        with pytest.raises(EmbeddedPostgresError, match="in use"):
            embedded_postgres.delete(place)
        assert is_running(place)
    embedded_postgres.delete(place)
    assert not embedded_postgres.exists(place)


def test_a_server_that_its_users_left_behind_serves_the_next_one(place: Path) -> None:
    user = start_user(place)
    assert is_ready(user)
    user.kill()
    user.communicate()
    assert is_running(place)
    with ensure_running(place):
        assert is_running(place)
    assert not is_running(place)
