"""The database restarts or dies: the service recovers, and no request is lost."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from ops.embedded_postgres import Role, database_url
from tests.ops.conftest import is_running

pytestmark = pytest.mark.slow

CALLERS = 8
CREDENTIALS = {"email": "rich@demo.example", "password": "demo-only-4711"}


def a_session(installation: Installation) -> dict[str, str]:
    reply = requests.post(
        f"{installation.url}/client/login", json=CREDENTIALS, timeout=DEADLINE_SECONDS
    )
    return {"Authorization": f"Token {reply.json()['token']}"}


def call_concurrently(
    installation: Installation, session: dict[str, str], calls: int
) -> Counter[int]:
    """List the wallets many times, from several callers, and count the statuses."""

    def call(_number: int) -> int:
        url = f"{installation.url}/wallet/list"
        return requests.get(url, headers=session, timeout=DEADLINE_SECONDS).status_code

    with ThreadPoolExecutor(CALLERS) as callers:
        return Counter(callers.map(call, range(calls)))


def processor_works(installation: Installation, session: dict[str, str]) -> bool:
    status = f"{installation.url}/processor/status"
    body = requests.get(status, headers=session, timeout=DEADLINE_SECONDS).json()
    return bool(body.get("state") == "idle")


def end_all_sessions(installation: Installation) -> int:
    """End every session of the app's role, as a restart does; return how many there were."""
    with psycopg.connect(database_url(installation.data_dir, Role.SUPERUSER)) as superuser:
        ended = superuser.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = %s",
            [Role.APP],
        ).fetchall()
    return len(ended)


def test_requests_never_use_a_dead_connection(installation: Installation) -> None:
    # Given a service whose pools are full
    installation.serve()
    session = a_session(installation)
    assert call_concurrently(installation, session, 200) == {200: 200}

    # When all of its idle connections have died
    assert end_all_sessions(installation) > 2

    # Then no request fails
    assert call_concurrently(installation, session, 200) == {200: 200}


def test_a_killed_database_is_restarted(installation: Installation) -> None:
    # Given a service that runs
    service, _ = installation.serve()
    session = a_session(installation)
    wait_until(lambda: processor_works(installation, session))
    (postmaster,) = {
        process for process in installation.database_processes() if process.ppid() == 1
    }

    # When its database is killed
    postmaster.send_signal(signal.SIGKILL)
    wait_until(lambda: not postmaster.is_running())

    # Then it runs again, the service answers, and the processor works
    wait_until(lambda: is_running(installation.data_dir))
    wait_until(lambda: call_concurrently(installation, session, 8) == {200: 8})
    assert service.poll() is None
    wait_until(lambda: processor_works(installation, session))

    # And it still stops all its processes
    processes = installation.processes()
    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0
    wait_until(lambda: not any(process.is_running() for process in processes))
