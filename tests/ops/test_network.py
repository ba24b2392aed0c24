"""A dead network connection to the database."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import psycopg
import pytest
from django.conf import settings

from config.database import Profile, databases
from config.environment import BASE_DIR, read
from harness.processes import free_port
from ops.embedded_postgres import Role, database_url

SetEnvironment = Callable[[Mapping[str, str]], None]


@pytest.fixture
def port() -> Iterator[int]:
    """A TCP port that forwards to the tests' PostgreSQL."""
    server = psycopg.conninfo.conninfo_to_dict(database_url(settings.DATA_DIR, Role.SUPERUSER))
    port = free_port()
    proxy = subprocess.Popen(
        [sys.executable, "-m", "prove.proxy", str(port), f"{server['host']}/.s.PGSQL.5432"],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert proxy.stdout is not None
    assert proxy.stdout.readline() == "listening\n"
    yield port
    proxy.kill()
    proxy.communicate()


@pytest.mark.parametrize("profile", [Profile.WEB, Profile.COMMAND])
def test_a_dead_connection_is_detected_in_half_a_minute(
    profile: Profile, port: int, set_environment: SetEnvironment
) -> None:
    # Given a service that reaches its database by TCP
    url = f"postgresql://wallet_app@127.0.0.1:{port}/wallet"
    set_environment({"DATABASE_URL": url, "WALLET_SERVICE_SECRET_KEY": "x"})
    database = databases(read(), profile)["default"]
    options = {name: each for name, each in database["OPTIONS"].items() if name != "pool"}
    address = {"host": database["HOST"], "port": database["PORT"]}

    # When it connects
    with psycopg.connect(
        user=database["USER"], dbname="wallet", **address, **options
    ) as connection:
        duplicate = socket.socket(fileno=socket.dup(connection.fileno()))

        # Then the kernel's timeouts are set for idle and for busy connections
        with duplicate:
            idle, interval, count, unacknowledged_ms = (
                duplicate.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
    assert (idle + interval * count, unacknowledged_ms) == (25, 25_000)
