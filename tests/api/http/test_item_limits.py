"""Each item of a batch counts as a write; one that would pass the limit is refused whole."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from core.models import IdempotencyRecord
from intake.models import QueuedTransaction
from ledger.models import Transaction
from tests.factories import Holder, a_client, a_company
from tests.http_client import Reply
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

Send = Callable[..., Reply]


def limit_writes(settings: Settings, most: int) -> None:
    """Per day, so that no test crosses from one window into the next."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "writes": f"{most}/d"}


def charges(company: Holder, payer: Holder) -> Send:
    item = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "x"}
    return lambda items, key=None: company.api.post(
        "/wallet/charges", {"charges": [item] * items}, key=key
    )


def queue(client: Holder) -> Send:
    return lambda items, key=None: client.api.post("/transaction", [{"value": 1}] * items, key=key)


@pytest.fixture(params=["charges", "queue"])
def send(request: pytest.FixtureRequest, books: None) -> Send:
    """Send a batch of so many items, as a caller who has not called yet."""
    if request.param == "queue":
        return queue(a_client(holds="100.00"))
    return charges(a_company(), a_client(holds="100.00"))


def done() -> int:
    """Return how many items were carried out or accepted."""
    return Transaction.objects.filter(kind="charge").count() + QueuedTransaction.objects.count()


def assert_limited(reply: Reply, **details: Any) -> None:
    assert (reply.status, reply.code) == (429, "rate_limited")
    seconds = reply.json["details"].pop("retryAfterSeconds")
    assert reply.headers["Retry-After"] == str(seconds)
    assert 1 <= seconds <= 86_400
    assert {**reply.json["details"], **details} == reply.json["details"]


def test_each_item_counts_as_a_write(send: Send, settings: Settings) -> None:
    limit_writes(settings, 7)

    replies = [send(3), send(3), send(1), send(1)]

    assert [reply.status < 400 for reply in replies] == [True, True, True, False]
    assert [reply.headers["RateLimit"].split(";")[1] for reply in replies] == [
        "r=4", "r=1", "r=0", "r=0",
    ]  # fmt: skip
    assert_limited(replies[3])
    assert done() == 7


def test_a_batch_that_would_pass_the_limit_is_refused_whole(send: Send, settings: Settings) -> None:
    limit_writes(settings, 7)
    assert send(3).status < 400

    refused = send(6, "k")
    smaller = send(3, "k")

    assert_limited(refused, items=6, limit=7, left=3)
    # The refused request itself has counted, its items have not.
    assert smaller.status < 400
    assert done() == 6
    assert IdempotencyRecord.objects.filter(key="k").count() == 1


def test_a_batch_that_is_larger_than_the_limit_is_told_so(send: Send, settings: Settings) -> None:
    limit_writes(settings, 7)

    refused = send(8)

    assert_limited(refused, items=8, limit=7)
    assert "parts" in refused.json["message"]
    assert done() == 0


def test_as_many_items_as_the_limit_pass_at_once(send: Send, settings: Settings) -> None:
    limit_writes(settings, 7)

    assert send(7).status < 400
    assert done() == 7


def test_a_malformed_batch_counts_as_one_write(settings: Settings) -> None:
    client = a_client(holds="100.00")
    limit_writes(settings, 4)

    wrong = client.api.post("/transaction", [{"value": 1}] * 3 + [{"value": "x"}])
    good = queue(client)(3)

    assert (wrong.status, good.status) == (422, 202)
    assert done() == 3


def test_one_object_counts_as_before(settings: Settings) -> None:
    client = a_client(holds="100.00")
    limit_writes(settings, 2)

    replies = [client.api.post("/transaction", {"value": 1}) for _ in range(3)]

    assert [reply.status for reply in replies] == [202, 202, 429]


def test_exactly_as_many_items_pass_as_are_allowed(settings: Settings) -> None:
    company, payer = a_company(), a_client(holds="100.00")
    limit_writes(settings, 20)

    replies = race(8, lambda _: charges(company, payer)(5, str(uuid.uuid4())))

    # A refused batch has counted as one, if there was room for that.
    passed = sum(reply.status == 200 for reply in replies)
    assert passed in (3, 4)
    assert done() == 5 * passed
    assert sum(reply.status == 429 for reply in replies) == 8 - passed


def test_without_rate_limits_no_item_is_counted(send: Send, settings: Settings) -> None:
    limit_writes(settings, 2)
    settings.RATELIMIT_ENABLE = False

    assert [send(3).status < 400 for _ in range(2)] == [True, True]
