"""Intake: accepted over HTTP in arrays of 1,000 and executed, against `ledger.post` alone.

.venv/bin/python -m bench --only intake
"""

import http.client
import json
import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import count
from pathlib import Path

from bench.actors import Actors
from bench.machine import measure
from bench.rows import BrokenRun, Row, Sample
from bench.service import wait_until
from core.unit_of_work import unit_of_work
from intake.models import ProcessorState
from ledger.kinds import Kind
from ledger.post import Order, post
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Purpose

ARRAY = 1_000
CONNECTIONS = 4
_repeats = count()


def rows(data_dir: Path, actors: Actors, processes: Sequence[int], transactions: int) -> list[Row]:
    """Return the queue's row, and that of the same movements posted without a queue.

    `processes` are the web server's and the worker's.
    """

    def through_the_queue() -> Sample:
        arrays = _arrays(actors.customer_ids, transactions, seed=next(_repeats))
        done = _executed()

        def work() -> None:
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                shares = [arrays[n::CONNECTIONS] for n in range(CONNECTIONS)]
                list(pool.map(lambda some: _send(some, actors.operator_token), shares))
            wait_until(lambda: _executed() >= done + transactions)

        sample = Sample(measure(data_dir, transactions, work, children=processes))
        if ProcessorState.objects.get().failed:
            raise BrokenRun("Queued transactions failed: what is measured is not what was meant.")
        return sample

    def straight() -> Sample:
        batches = _batches(actors, transactions)

        def work() -> None:
            for batch in batches:
                unit_of_work(lambda: post(batch))  # noqa: B023 (runs at once)

        return Sample(measure(data_dir, transactions, work))

    return [
        Row("intake", f"queue: accepted by the {ARRAY:,} and executed", through_the_queue),
        Row("intake.post", f"the same movements by ledger.post, batches of {ARRAY:,}", straight),
    ]


def _arrays(customers: Sequence[str], transactions: int, *, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    return [
        json.dumps(
            [
                {"value": f"0.{chance.randrange(1, 100):02}", "customer": chance.choice(customers)}
                for _ in range(ARRAY)
            ]
        ).encode()
        for _ in range(transactions // ARRAY)
    ]


def _batches(actors: Actors, transactions: int) -> list[list[Order]]:
    """Return the same movements as orders: from the customers' wallets to revenue."""
    revenue = system_wallet_id(DEFAULT_CURRENCY, Purpose.REVENUE)
    chance = random.Random()
    return [
        [
            Order(Kind.SPEND, chance.choice(actors.payers), revenue, 1, DEFAULT_CURRENCY)
            for _ in range(ARRAY)
        ]
        for _ in range(transactions // ARRAY)
    ]


def _send(arrays: Sequence[bytes], token: str) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=60)
    for array in arrays:
        connection.request("POST", "/transaction", array, headers)
        response = connection.getresponse()
        said = response.read()
        if response.status != HTTPStatus.ACCEPTED:
            raise BrokenRun(f"An array was answered by {response.status}: {said[:300]!r}")
    connection.close()


def _executed() -> int:
    return ProcessorState.objects.get().completed
