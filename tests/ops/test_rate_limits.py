"""Rate limits over several processes with several threads each are exact."""

import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from harness.installation import Installation
from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS, wait_until

pytestmark = pytest.mark.slow

CALLS = 60
#: Per day, so that no test crosses from one window into the next.
SETTINGS = {
    "WALLET_SERVICE_WORKERS": "3",
    "WALLET_SERVICE_THREADS": "4",
    "WALLET_SERVICE_RATE_LIMIT_LOGIN_ACCOUNT": "7/d",
    "WALLET_SERVICE_RATE_LIMIT_LOGIN_ADDRESS": "40/d",
    "WALLET_SERVICE_RATE_LIMIT_READS": "20/d",
    "WALLET_SERVICE_TRUSTED_PROXIES": "127.0.0.1",
}
needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)


@contextmanager
def redis_at(workdir: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run Redis without persistence; yield its URL and its process."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=workdir,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port))
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("store", ["postgresql", pytest.param("redis", marks=needs_redis)])
def test_limits_are_exact(installation: Installation, workdir: Path, store: str) -> None:
    if store == "postgresql":
        installation.serve(**SETTINGS)
        assert_limits_are_exact(installation, "here")
        return
    with redis_at(workdir) as (url, server):
        installation.serve(**SETTINGS, REDIS_URL=url)
        assert_limits_are_exact(installation, "before")

        # When Redis is down, PostgreSQL counts
        server.kill()
        server.wait()
        assert_limits_are_exact(installation, "after")


def assert_limits_are_exact(installation: Installation, name: str) -> None:
    """Check the limits with new counters. `name` makes the accounts and addresses unique."""
    network = f"10.{len(name)}.0"

    def log_in(number: int, account: str, address: str) -> int:
        return requests.post(
            f"{installation.url}/client/login",
            json={"email": account, "password": "wrong"},
            # The proxy added the last address; a client may have forged the first one.
            headers={"X-Forwarded-For": f"10.9.9.{number}, {address}"},
            timeout=DEADLINE_SECONDS,
        ).status_code

    def read(_number: int) -> int:
        return requests.get(
            f"{installation.url}/customer/9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77",
            headers={"X-Forwarded-For": f"{network}.201"},
            timeout=DEADLINE_SECONDS,
        ).status_code

    of_account = call_concurrently(lambda n: log_in(n, f"{name}@example.com", f"{network}.{n}"))
    of_address = call_concurrently(lambda n: log_in(n, f"{name}{n}@example.com", f"{network}.200"))
    reads = call_concurrently(read)

    # Who passed may find too many who wait for a password to be hashed, and has counted.
    assert (of_account[401] + of_account[503], of_account[429]) == (7, CALLS - 7)
    assert (of_address[401] + of_address[503], of_address[429]) == (40, CALLS - 40)
    assert of_account[401] > 0
    assert of_address[401] > 0
    assert reads == {404: 20, 429: CALLS - 20}


def call_concurrently(call: Callable[[int], int]) -> Counter[int]:
    with ThreadPoolExecutor(12) as pool:
        return Counter(pool.map(call, range(CALLS)))


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
