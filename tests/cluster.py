"""The PostgreSQL server of a test run: started before Django reads its settings, then removed.

Pytest loads this first (`-p tests.cluster`), in the controller and in each of its workers, which
inherit the directory through the environment. With `DATABASE_URL` that server is used instead.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from config.database import PROFILE_VARIABLE, Profile
from config.environment import read
from ops.embedded_postgres import Lease, Role, database_url, ensure_running

_lease: Lease | None = None
_temporary_dir: Path | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Start the server, or use the running one. The tests migrate, so they connect as its owner."""
    global _lease, _temporary_dir  # noqa: PLW0603 (pytest stores nothing between hooks this early)
    os.environ[PROFILE_VARIABLE] = Profile.OWNER
    if read().is_demo:
        if "PYTEST_XDIST_WORKER" not in os.environ:
            _temporary_dir = Path(tempfile.mkdtemp(prefix="wallet-tests-"))
            os.environ["WALLET_SERVICE_DATA_DIR"] = str(_temporary_dir)
        data_dir = read().data_dir
        _lease = ensure_running(data_dir)
        _let_owner_bypass_triggers(data_dir)
    try:
        return (yield)
    except BaseException:
        # Pytest does not call `pytest_unconfigure` when loading the tests fails.
        pytest_unconfigure()
        raise


def pytest_unconfigure() -> None:
    """Release the server. The controller ends last and deletes the data."""
    if _lease:
        _lease.release()
    if _temporary_dir:
        shutil.rmtree(_temporary_dir)


def _let_owner_bypass_triggers(data_dir: Path) -> None:
    """Let the owner disable the append-only triggers, which the cleanup between tests requires."""
    with psycopg.connect(database_url(data_dir, Role.SUPERUSER)) as connection:
        connection.execute(f"GRANT SET ON PARAMETER session_replication_role TO {Role.OWNER}")
