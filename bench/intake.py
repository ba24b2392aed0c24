"""Intake: accepted over HTTP in arrays of 1,000 and executed, against `ledger.post` alone.

PORT=8120 .venv/bin/python -m bench.intake [TRANSACTIONS]
"""

import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.machine import REPEATS, fresh_service, measure, show
from bench.seeding import write_customers
from config.database import PROFILE_VARIABLE
from config.environment import read

TRANSACTIONS = 100_000
CUSTOMERS = 10_000
ARRAY = 1_000
CONNECTIONS = 4


def main(transactions: int) -> None:
    """Interleave the two, so that both see the same machine."""
    with fresh_service() as data_dir:
        customers, token = _actors(data_dir)
        with _running_service() as processes:
            executed, posted = [], []
            for repeat in range(REPEATS):
                arrays = _arrays(customers, transactions, repeat)
                intake = _intake(arrays, token)
                executed.append(measure(data_dir, transactions, intake, children=processes))
                posted.append(measure(data_dir, transactions, _post(transactions)))
        show(f"post, batches of {ARRAY:,}", posted)
        show("intake, accepted and executed", executed)


def _actors(data_dir: Path) -> tuple[Sequence[str], str]:
    from accounts.models import Client  # noqa: PLC0415 (Django is set up now; so below)
    from accounts.services import create_operator  # noqa: PLC0415
    from commerce.seeding.seed import seed  # noqa: PLC0415
    from core.unit_of_work import unit_of_work  # noqa: PLC0415

    source = data_dir / "customers.jsonl"
    write_customers(source, CUSTOMERS)
    seed(str(source))
    token = unit_of_work(lambda: create_operator("operator@example.com")).token
    return [str(pk) for pk in Client.objects.values_list("pk", flat=True)], token


@contextmanager
def _running_service() -> Iterator[list[int]]:
    """Start the web server and the processor; yield the ids of their processes."""
    environment = {name: os.environ[name] for name in os.environ if name != PROFILE_VARIABLE}
    commands = (
        ["-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi"],
        ["manage.py", "process_transactions"],
    )
    started = [
        subprocess.Popen([sys.executable, *command], env=environment) for command in commands
    ]
    try:
        _wait_until(lambda: _call(_connect(), "GET", "/status") is not None)
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _arrays(customers: Sequence[str], transactions: int, repeat: int) -> list[bytes]:
    chance = random.Random(repeat)
    return [
        json.dumps(
            [
                {"value": f"0.{chance.randrange(1, 100):02}", "customer": chance.choice(customers)}
                for _ in range(ARRAY)
            ]
        ).encode()
        for _ in range(transactions // ARRAY)
    ]


def _intake(arrays: Sequence[bytes], token: str) -> Callable[[], None]:
    def send(some: Sequence[bytes]) -> None:
        connection = _connect()
        for array in some:
            if _call(connection, "POST", "/transaction", array, token=token) is None:
                raise AssertionError("an array was refused")

    def work() -> None:
        done = _completed()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(send, [arrays[n::CONNECTIONS] for n in range(CONNECTIONS)]))
        _wait_until(lambda: _completed() == done + len(arrays) * ARRAY)

    return work


def _post(transactions: int) -> Callable[[], None]:
    """Return the same movements, posted directly: the customers' wallets to revenue."""
    from core.unit_of_work import unit_of_work  # noqa: PLC0415
    from ledger.kinds import Kind  # noqa: PLC0415
    from ledger.post import Order, post  # noqa: PLC0415
    from wallets.assets import DEFAULT_CURRENCY, system_wallet_id  # noqa: PLC0415
    from wallets.models import Purpose, Wallet  # noqa: PLC0415

    wallets = list(Wallet.objects.filter(owner_id__isnull=False).values_list("id", flat=True))
    revenue = system_wallet_id(DEFAULT_CURRENCY, Purpose.REVENUE)
    chance = random.Random()
    batches = [
        [
            Order(Kind.SPEND, chance.choice(wallets), revenue, 1, DEFAULT_CURRENCY)
            for _ in range(ARRAY)
        ]
        for _ in range(transactions // ARRAY)
    ]

    def work() -> None:
        for batch in batches:
            unit_of_work(lambda: post(batch))  # noqa: B023 (runs at once)

    return work


def _connect() -> http.client.HTTPConnection:
    environment = read()
    return http.client.HTTPConnection(environment.host, environment.port, timeout=60)


def _call(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    token: str = "",
) -> Any:
    """Return what the service answers; None when it refuses, or does not listen yet."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Token {token}"
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
    except OSError:
        return None
    return json.loads(content) if response.status < HTTPStatus.BAD_REQUEST else None


def _completed() -> int:
    from commerce.models import ProcessorState  # noqa: PLC0415

    return ProcessorState.objects.get().completed


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the service took too long")
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TRANSACTIONS)
