"""The embedded PostgreSQL: one server for all its users, stopped by the last one."""

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

USE_UNTIL_EOF = """
import sys
from pathlib import Path
from ops.embedded_postgres import ensure_running
with ensure_running(Path(sys.argv[1])):
    print("running", flush=True)
    sys.stdin.read()
"""


def start_user(data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE_UNTIL_EOF, str(data_dir)],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_ready(user: subprocess.Popen[str]) -> bool:
    assert user.stdout is not None
    return user.stdout.readline() == "running\n"


@pytest.fixture
def users(workdir: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two other processes that start to use the server concurrently."""
    users = [start_user(workdir), start_user(workdir)]
    yield users
    for user in users:
        if user.poll() is None:
            user.communicate()


def test_two_users_start_it_concurrently_and_the_last_one_stops_it(
    users: list[subprocess.Popen[str]], workdir: Path
) -> None:
    first, second = users
    assert is_ready(first)
    assert is_ready(second)
    first.communicate()
    assert is_running(workdir)
    second.communicate()
    assert not is_running(workdir)


def test_a_killed_process_does_not_count_as_a_user(
    users: list[subprocess.Popen[str]], workdir: Path
) -> None:
    killed, survivor = users
    assert is_ready(killed)
    assert is_ready(survivor)
    killed.kill()
    killed.communicate()
    survivor.communicate()
    assert not is_running(workdir)


def test_committed_rows_survive_a_stop(workdir: Path) -> None:
    with ensure_running(workdir), psycopg.connect(database_url(workdir, Role.OWNER)) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS value")
    with ensure_running(workdir), psycopg.connect(database_url(workdir, Role.OWNER)) as owner:
        assert owner.execute("SELECT value FROM kept").fetchone() == (42,)


def test_it_is_durable_private_and_the_app_has_no_rights(workdir: Path) -> None:
    with ensure_running(workdir):
        with psycopg.connect(database_url(workdir, Role.APP)) as app:
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
        assert (workdir / "postgres").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["a path with 'spaces'", "long" * 30])
def test_any_path_is_possible(workdir: Path, name: str) -> None:
    data_dir = workdir / name
    with ensure_running(data_dir), psycopg.connect(database_url(data_dir, Role.APP)) as app:
        assert app.execute("SELECT current_user").fetchone() == ("wallet_app",)
    assert not is_running(data_dir)


def test_a_path_that_is_no_directory_is_reported_in_one_line(workdir: Path) -> None:
    (workdir / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="Not a directory") as caught:
        ensure_running(workdir / "file" / "data")
    assert "\n" not in str(caught.value)


def test_a_broken_cluster_is_reported_in_one_line(workdir: Path) -> None:
    with ensure_running(workdir):
        pass
    (workdir / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError) as caught:
        ensure_running(workdir)
    assert "\n" not in str(caught.value)


def test_it_is_not_deleted_while_it_is_in_use(workdir: Path) -> None:
    with ensure_running(workdir):
        with pytest.raises(EmbeddedPostgresError, match="in use"):
            embedded_postgres.delete(workdir)
        assert is_running(workdir)
    embedded_postgres.delete(workdir)
    assert not embedded_postgres.exists(workdir)


def test_a_server_that_outlived_its_users_serves_the_next_one(workdir: Path) -> None:
    user = start_user(workdir)
    assert is_ready(user)
    user.kill()
    user.communicate()
    assert is_running(workdir)
    with ensure_running(workdir):
        assert is_running(workdir)
    assert not is_running(workdir)
