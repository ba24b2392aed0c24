"""`GET /idempotency/<key>`: a caller that lost the answer looks it up."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.utils import timezone

from core.models import IdempotencyRecord
from tests.factories import Holder, a_client
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

KEYS = (
    "k",
    "x" * 255,
    "a b",
    "order/1017",
    "100%",
    "a%2Fb",
    "?a=b&c#d",
    "~!@$^*()_+{}|:<>",
    "../k",
)


@pytest.mark.parametrize("key", KEYS)
def test_key_can_be_looked_up_percent_encoded(key: str) -> None:
    client = a_client()
    _move(client, "/wallet/deposit", 5, key=key)

    reply = client.api.get(f"/idempotency/{quote(key, safe='')}")

    assert (reply.json["key"], reply.json["state"]) == (key, "completed")


def test_key_with_slashes_can_be_looked_up_unescaped() -> None:
    client = a_client()
    _move(client, "/wallet/deposit", 5, key="order/1017//a b")

    reply = client.api.get("/idempotency/order/1017//a%20b")

    assert (reply.json["key"], reply.json["state"]) == ("order/1017//a b", "completed")


@pytest.mark.parametrize("amount", [5, 99], ids=["success", "refusal"])
def test_recorded_answer_can_be_looked_up(amount: int) -> None:
    client = a_client(holds="10.00")
    answer = _move(client, "/wallet/withdraw", amount, key="k")

    reply = client.api.get("/idempotency/k")

    assert reply.status == 200
    assert set(reply.json) == {"key", "state", "statusCode", "body", "createdAt"}
    assert (reply.json["key"], reply.json["state"]) == ("k", "completed")
    assert reply.json["statusCode"] == answer.status
    assert reply.json["body"] == answer.json
    assert answer.raw in reply.raw, "the same bytes"
    assert reply.json["createdAt"].endswith("Z")


def test_unused_key_and_key_of_another_caller_are_unknown() -> None:
    ada, ben = a_client(), a_client()
    _move(ada, "/wallet/deposit", 5, key="k")

    replies = [ben.api.get("/idempotency/k"), ada.api.get("/idempotency/other")]

    for reply, key in zip(replies, ("k", "other"), strict=True):
        assert reply.status == 200
        assert reply.json == {
            "key": key,
            "state": "unknown",
            "statusCode": None,
            "body": None,
            "createdAt": None,
        }


@pytest.mark.parametrize("path", ["%00", "a%00b", "%C3%A9", "a%09b", "x" * 256])
def test_invalid_key_is_not_found(path: str) -> None:
    client = a_client()

    reply = client.api.get(f"/idempotency/{path}")

    assert (reply.status, reply.code) == (404, "not_found")


def test_looking_up_a_key_needs_a_token(api: Api) -> None:
    reply = api.get("/idempotency/k")

    assert (reply.status, reply.code) == (401, "not_authenticated")


def test_expired_key_is_unknown() -> None:
    client = a_client()
    _move(client, "/wallet/deposit", 5, key="k")
    IdempotencyRecord.objects.update(
        created_at=timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS, minutes=1)
    )

    reply = client.api.get("/idempotency/k")

    assert (reply.json["state"], reply.json["body"]) == ("unknown", None)


def _move(client: Holder, path: str, amount: float, *, key: str) -> Reply:
    return client.api.post(path, {"wallet": str(client.wallet_id), "amount": amount}, key=key)
