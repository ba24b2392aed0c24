"""Intake: accepted over HTTP in arrays of 1,000 and executed, against `ledger.post` alone."""

import http.client
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from itertools import count

from bench.actors import Actors
from bench.machine import measure
from bench.rows import InvalidRun, Row, Sample
from core.unit_of_work import unit_of_work
from harness.installation import Installation
from harness.waiting import wait_until
from intake.models import ProcessorState
from ledger.kinds import Kind
from ledger.orders import Order
from ledger.post import post
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Purpose

ARRAY = 1_000
CONNECTIONS = 4
PATIENCE_SECONDS = 300
_repeats = count()


def rows(
    installation: Installation, actors: Actors, processes: Sequence[int], transactions: int
) -> list[Row]:
    """Return the queue's row, and that of the same movements posted without a queue.

    `processes` are the ids of the web server's and the worker's process.
    """

    def through_the_queue() -> Sample:
        arrays = _arrays(actors.customer_ids, transactions, seed=next(_repeats))
        done = _executed()

        def work() -> None:
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                shares = [arrays[n::CONNECTIONS] for n in range(CONNECTIONS)]
                list(pool.map(partial(_send, installation.port, actors.operator_token), shares))
            wait_until(lambda: _executed() >= done + transactions, seconds=PATIENCE_SECONDS)

        sample = Sample(measure(installation.data_dir, transactions, work, children=processes))
        if ProcessorState.objects.get().failed:
            raise InvalidRun("Queued transactions failed.")
        return sample

    def posted() -> Sample:
        batches = _batches(actors, transactions)

        def work() -> None:
            for batch in batches:
                unit_of_work(lambda: post(batch))  # noqa: B023 (runs immediately)

        return Sample(measure(installation.data_dir, transactions, work))

    return [
        Row("intake", f"queue: accepted by the {ARRAY:,} and executed", through_the_queue),
        Row("intake.post", f"the same movements by ledger.post, batches of {ARRAY:,}", posted),
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


def _send(port: int, token: str, arrays: Sequence[bytes]) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for array in arrays:
        connection.request("POST", "/transaction", array, headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != HTTPStatus.ACCEPTED:
            raise InvalidRun(f"An array was answered by {response.status}: {body[:300]!r}")
    connection.close()


def _executed() -> int:
    return ProcessorState.objects.get().completed
