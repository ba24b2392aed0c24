"""What a cache of balances and histories could save: the same reads from three places.

.venv/bin/python -m bench.caching [READS]

Each read is a whole request through the application and its middleware, without a server: what a
balance (`/wallet/info`) and a first page of history (50 rows) cost from PostgreSQL, as they are
read; with what PostgreSQL would say kept in the process, or in a local Redis; and with the finished
answer kept there. What a cache would have to do to be never stale is left out: it would cost more.
"""

import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from unittest import mock

import redis

from bench.machine import REPEATS, Cost, measure, show
from bench.service import fresh_service

READS = 2_000
ENTRIES = 60
START_SECONDS = 10

Read = Callable[[], None]


def main(reads: int) -> None:
    """Measure each way a few times, in turn."""
    with fresh_service() as data_dir, a_redis() as store:
        costs: dict[str, list[Cost]] = {}
        ways = list(ways_of_reading(store))
        for _ in range(REPEATS):
            for name, patches, read in ways:
                with ExitStack() as stack:
                    for patch in patches:
                        stack.enter_context(patch)
                    read()
                    cost = measure(data_dir, reads, lambda: [read() for _ in range(reads)])  # noqa: B023 (runs at once)
                costs.setdefault(name, []).append(cost)
        for name, measured in costs.items():
            show(name, measured)


def ways_of_reading(store: redis.Redis) -> Iterator[tuple[str, list[Any], Read]]:
    """Yield the name of each way, what to put in the place of PostgreSQL, and the read."""
    # Their models want Django, which is set up now.
    from django.db import connection
    from django.http import HttpResponse

    from config.wsgi import application
    from ledger.history import history
    from tests.factories import a_client
    from wallets.selectors import own_wallet

    # The end of a request ends no connection, as with the web's pool.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.close()
    client = a_client()
    wallet_id, token = client.wallet_id, client.api._token
    for _ in range(ENTRIES):
        client.api.post("/wallet/deposit", {"wallet": str(wallet_id), "amount": 1})
    wallet = own_wallet(client.user, wallet_id)
    page = history(wallet_id, limit=50)

    def reader(path: str) -> Read:
        def read() -> None:
            environ = {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": path,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "8000",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "localhost",
                "HTTP_AUTHORIZATION": f"Token {token}",
                "wsgi.input": mock.Mock(read=lambda *_: b""),
                "wsgi.url_scheme": "http",
            }
            answer: Any = application(environ, mock.Mock())
            assert answer.status_code == HTTPStatus.OK, answer.content

        return read

    def kept(value: object) -> Callable[..., Any]:
        return lambda *_args, **_more: value

    def in_redis(name: str, value: object) -> Callable[..., Any]:
        store.set(name, pickle.dumps(value))

        def found(*_args: object, **_more: object) -> Any:
            stored: Any = store.get(name)
            return pickle.loads(stored)

        return found

    def answered(view: str, make: Callable[..., bytes]) -> Any:
        def get(*_args: object, **_more: object) -> HttpResponse:
            return HttpResponse(make(), content_type="application/json")

        return mock.patch(f"{view}.get", get)

    info, pages = "api.by_token.wallets", "api.by_token.history"
    for what, path, row, view, patched in (
        ("balance", f"/wallet/info/{wallet_id}", wallet, f"{info}.WalletInfoView", "own_wallet"),
        ("history", f"/wallet/history/{wallet_id}", page, f"{pages}.WalletHistoryView", "history"),
    ):
        module = info if what == "balance" else pages
        read = reader(path)
        body = client.api.get(path).raw
        also = [mock.patch(f"{pages}.own_wallet", kept(wallet))] if what == "history" else []
        yield f"{what}: PostgreSQL", [], read
        yield (
            f"{what}: rows in the process",
            [mock.patch(f"{module}.{patched}", kept(row)), *also],
            read,
        )
        yield (
            f"{what}: rows in Redis",
            [mock.patch(f"{module}.{patched}", in_redis(f"{what} row", row)), *also],
            read,
        )
        yield f"{what}: answer in the process", [answered(view, kept(body))], read
        yield f"{what}: answer in Redis", [answered(view, in_redis(f"{what} answer", body))], read
    yield "nothing: a view that is empty", [], reader("/status")


@contextmanager
def a_redis() -> Iterator[redis.Redis]:
    """Run a Redis of its own on a socket, which keeps nothing."""
    with tempfile.TemporaryDirectory(prefix="wallet-bench-redis-") as directory:
        socket = Path(directory) / "socket"
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not socket.exists():
                assert time.monotonic() < deadline, "Redis does not start"
                time.sleep(0.01)
            yield redis.Redis(unix_socket_path=str(socket))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else READS)
