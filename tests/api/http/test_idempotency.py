"""Exactly once: a repeat gets the first answer, byte for byte, and moves no money."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.factories import PHONE, Holder, a_client, a_company, api_of, freeze
from tests.http_client import Api, Reply
from wallets.models import Status, Wallet

pytestmark = pytest.mark.usefixtures("books")

#: The secret key and its fallbacks.
Keys = tuple[str, list[str]]

MISSING = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"

# fmt: off
#: Refusals that are not recorded under the key. `...` stands for the caller's own wallet.
LEAVE_THE_KEY_FREE: tuple[tuple[str, Any, int, str], ...] = (
    ("/wallet/deposit", {"wallet": ..., "amount": "x"},            422, "validation_error"),
    ("/wallet/deposit", {"wallet": ..., "amount": 5, "extra": 1},  422, "validation_error"),
    ("/wallet/deposit", {"wallet": ..., "amount": "0.001"},        422, "validation_error"),
    ("/wallet/create",  {"currency": "XXX"},                       422, "validation_error"),
    ("/wallet/deposit", {"wallet": ..., "amount": 0},              400, "amount_not_positive"),
    ("/wallet/deposit", b"{",                                      400, "malformed_json"),
    ("/wallet/deposit", {"wallet": MISSING, "amount": 5},          404, "not_found"),
    ("/wallet/charge",  {"wallet": ..., "amount": 5, "summary": ""}, 403, "permission_denied"),
    ("/wallet/nothing", {},                                        404, "not_found"),
)
VALID_KEYS = ("k", "x" * 255, "a b", "order/1017", "~!@#$%^*()_+{}|:<>")
INVALID_KEYS = ("", "x" * 256, "\xe9", "\u043a\u043b\u044e\u0447", "a\x07b", "a\tb", "\x7f")
# fmt: on


def test_success_is_replayed_byte_for_byte() -> None:
    client = a_client()

    first = _deposit(client, key="k")
    client.api.post("/wallet/deposit", {"wallet": str(client.wallet_id), "amount": 1})
    again = _deposit(client, key="k")

    assert first.status == 200
    assert_replayed(first, again)
    assert (client.balance_minor, Transaction.objects.count()) == (600, 2)


def test_created_wallet_is_replayed() -> None:
    client = a_client()

    first, again = (client.api.post("/wallet/create", key="k") for _ in range(2))

    assert first.status == 201
    assert_replayed(first, again)
    assert Wallet.objects.filter(owner=client.user).count() == 2


def test_insufficient_funds_are_replayed_although_the_balance_suffices_now() -> None:
    client = a_client(holds="10.00")

    first = _move(client, "/wallet/withdraw", 10.01, key="k")
    _move(client, "/wallet/deposit", 90)
    again = _move(client, "/wallet/withdraw", 10.01, key="k")

    assert (first.status, first.code) == (400, "insufficient_funds")
    assert_replayed(first, again)
    assert client.balance_minor == 10_000
    assert Transaction.objects.filter(failure_code="insufficient_funds").count() == 1


def test_frozen_wallet_is_replayed_although_it_is_active_now() -> None:
    client = a_client()
    freeze(client)

    first = _deposit(client, key="k")
    Wallet.objects.filter(pk=client.wallet_id).update(status=Status.ACTIVE)
    again = _deposit(client, key="k")

    assert (first.status, first.code) == (409, "wallet_not_active")
    assert_replayed(first, again)
    assert client.balance_minor == 0
    assert Transaction.objects.count() == 1


def test_key_belongs_to_the_caller_and_not_to_the_token() -> None:
    client = a_client()
    first = _deposit(client, key="k")

    again = _deposit(Holder(client.user, api_of(client.user), client.wallet_id), key="k")

    assert_replayed(first, again)


def test_two_callers_may_use_the_same_key() -> None:
    ada, ben = a_client(), a_client()

    replies = [_deposit(client, key="k") for client in (ada, ben)]

    assert [reply.status for reply in replies] == [200, 200]
    assert ["Idempotent-Replayed" in reply.headers for reply in replies] == [False, False]
    assert (ada.balance_minor, ben.balance_minor) == (500, 500)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/wallet/deposit", {"amount": 6}),
        ("/wallet/deposit", {"amount": "5.01"}),
        ("/wallet/deposit", {"wallet": MISSING}),
        ("/wallet/withdraw", {}),
        ("/wallet/create", None),
    ],
)
def test_key_of_another_request_is_refused(path: str, changes: dict[str, Any] | None) -> None:
    client = a_client()
    first = _deposit(client, key="k")
    good = {"wallet": str(client.wallet_id), "amount": 5}

    reply = client.api.post(path, None if changes is None else {**good, **changes}, key="k")

    assert (reply.status, reply.code) == (409, "idempotency_key_reused")
    assert (client.balance_minor, Transaction.objects.count()) == (500, 1)
    assert Wallet.objects.filter(owner=client.user).count() == 1
    assert_replayed(first, _deposit(client, key="k"))


@pytest.mark.parametrize(("path", "body", "status", "code"), LEAVE_THE_KEY_FREE)
def test_key_is_free_after_a_refusal_that_is_not_recorded(
    path: str, body: Any, status: int, code: str
) -> None:
    client = a_client()
    if isinstance(body, dict):
        body = {name: str(client.wallet_id) if v is ... else v for name, v in body.items()}

    refused = client.api.post(path, body, key="k")
    good = _deposit(client, key="k")

    assert (refused.status, refused.code) == (status, code)
    assert (good.status, "Idempotent-Replayed" in good.headers) == (200, False)
    assert (client.balance_minor, Transaction.objects.count()) == (500, 1)


def test_key_is_free_after_a_token_that_is_not_valid() -> None:
    client = a_client()

    refused = _deposit(Holder(client.user, Api("nonsense"), client.wallet_id), key="k")
    good = _deposit(client, key="k")

    assert (refused.status, refused.code) == (401, "invalid_token")
    assert (good.status, "Idempotent-Replayed" in good.headers) == (200, False)


@pytest.mark.parametrize("key", VALID_KEYS)
def test_key_of_printable_ascii_is_accepted(key: str) -> None:
    client = a_client()

    first, again = _deposit(client, key=key), _deposit(client, key=key)

    assert first.status == 200
    assert_replayed(first, again)
    assert client.balance_minor == 500


@pytest.mark.parametrize("key", INVALID_KEYS, ids=ascii)
def test_key_of_other_characters_or_length_is_invalid(key: str) -> None:
    client = a_client()

    reply = _deposit(client, key=key)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert list(reply.json["details"]) == ["Idempotency-Key"]
    assert client.balance_minor == 0
    assert not Transaction.objects.exists()


def test_expired_key_runs_again() -> None:
    client = a_client()
    first = _deposit(client, key="k")
    IdempotencyRecord.objects.update(
        created_at=timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS, minutes=1)
    )

    after_expiry = _deposit(client, key="k")
    again = _deposit(client, key="k")

    assert (after_expiry.status, "Idempotent-Replayed" in after_expiry.headers) == (200, False)
    assert after_expiry.raw != first.raw
    assert_replayed(after_expiry, again)
    assert client.balance_minor == 1000


def test_key_on_its_last_day_still_replays() -> None:
    client = a_client()
    first = _deposit(client, key="k")
    IdempotencyRecord.objects.update(
        created_at=timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS, minutes=-1)
    )

    assert_replayed(first, _deposit(client, key="k"))
    assert client.balance_minor == 500


def test_replays_over_both_steps_of_a_rotation(settings: Settings) -> None:
    # Given the two steps: every process knows the new key before any process uses it
    client = a_client()
    before: list[Keys] = [("old", [])]
    known: list[Keys] = [("old", ["new"]), ("new", ["old"])]

    # When each process replays what any other process that runs at the same time recorded
    for recorded_by, replayed_by in (*product(before, known[:1]), *product(known, known)):
        _use_keys(settings, recorded_by)
        first = _deposit(client, key=f"{recorded_by}, {replayed_by}")
        _use_keys(settings, replayed_by)
        again = _deposit(client, key=f"{recorded_by}, {replayed_by}")

        # Then the repeat gets the first answer
        assert_replayed(first, again)
    assert Transaction.objects.count() == 5


def test_recorded_request_is_not_recognised_without_its_secret_key(settings: Settings) -> None:
    client = a_client()
    _use_keys(settings, ("old", []))
    _deposit(client, key="k")

    _use_keys(settings, ("new", ["older"]))
    reply = _deposit(client, key="k")

    assert (reply.status, reply.code) == (409, "idempotency_key_reused")
    assert client.balance_minor == 500


def test_record_holds_no_data_of_the_request() -> None:
    client, company = a_client(holds="10.00"), a_company()
    company.api.post(
        "/wallet/charge",
        {"wallet": str(client.wallet_id), "amount": 5, "summary": "a secret"},
        key="k",
    )

    record = IdempotencyRecord.objects.get()

    stored = b" ".join([bytes(record.body), bytes(record.fingerprint), repr(vars(record)).encode()])
    for secret in (company.api._token, "a secret", str(client.wallet_id)):
        assert secret
        assert secret.encode() not in stored


def test_sign_up_and_log_in_take_no_key(api: Api) -> None:
    credentials = {"email": "ada@example.com", "password": "correct-horse-7"}
    profile = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}

    signed_up = [
        api.post("/client/signup", {**credentials, "client": profile}, key="k") for _ in range(2)
    ]
    logged_in = [api.post("/client/login", credentials, key="k") for _ in range(2)]

    assert [reply.status for reply in (*signed_up, *logged_in)] == [201, 409, 200, 200]
    assert logged_in[0].json["token"] != logged_in[1].json["token"]
    assert User.objects.count() == 1
    assert not IdempotencyRecord.objects.exists(), "no token may be stored"


def assert_replayed(first: Reply, again: Reply) -> None:
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status, again.raw) == (first.status, first.raw)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def _use_keys(settings: Settings, keys: Keys) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = keys


def _deposit(client: Holder, *, key: str) -> Reply:
    return _move(client, "/wallet/deposit", 5, key=key)


def _move(client: Holder, path: str, amount: float, *, key: str | None = None) -> Reply:
    return client.api.post(path, {"wallet": str(client.wallet_id), "amount": amount}, key=key)
