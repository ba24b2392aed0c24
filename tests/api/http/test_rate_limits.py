"""Rate limits: how many calls pass, per account and address, and that no header avoids them.

The rates are per day, so that no test crosses from one window into the next.
"""

import re

import pytest
from pytest_django import Settings

from accounts.models import User
from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.factories import PHONE, Holder, UserFactory, a_client, api_of
from tests.hashing import count_hashes, hashed
from tests.http_client import Api, Reply
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"


def api_at(address: str) -> Api:
    api = Api()
    api._client.defaults["REMOTE_ADDR"] = address
    return api


@pytest.fixture
def limit(settings: Settings) -> "Limit":
    return Limit(settings)


class Limit:
    """`limit(reads=2)`: two a day."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, **counts: int) -> None:
        rates = {group: f"{count}/d" for group, count in counts.items()}
        self._settings.RATE_LIMITS = {**self._settings.RATE_LIMITS, **rates}


def test_log_in_is_limited_per_account_from_any_address(limit: Limit) -> None:
    _a_user("ada@example.com")
    _a_user("ben@example.com")
    limit(login_account=2)

    invalid_replies = [_log_in(api_at(f"10.0.0.{n}"), "ada@example.com", "wrong") for n in range(2)]
    valid = _log_in(api_at("10.0.0.3"), "ada@example.com")
    upper = _log_in(api_at("10.0.0.4"), "ADA@Example.com")
    other = _log_in(api_at("10.0.0.5"), "ben@example.com")

    assert [reply.status for reply in invalid_replies] == [401, 401]
    assert_limited(valid)
    assert_limited(upper)
    assert other.status == 200


def test_log_in_is_limited_per_address_for_any_account(limit: Limit) -> None:
    _a_user("ada@example.com")
    limit(login_address=2)

    guesses = [_log_in(api_at("10.0.0.1"), f"{n}@example.com") for n in range(2)]
    valid = _log_in(api_at("10.0.0.1"), "ada@example.com")
    elsewhere = _log_in(api_at("10.0.0.2"), "ada@example.com")

    assert [reply.status for reply in guesses] == [401, 401]
    assert_limited(valid)
    assert elsewhere.status == 200


def test_both_log_in_endpoints_count_for_one_account(limit: Limit) -> None:
    _a_user("ada@example.com")
    limit(login_account=1)

    first = _log_in(Api(), "ada@example.com", "wrong", path="/company/login")
    second = _log_in(Api(), "ada@example.com", path="/client/login")

    assert first.status == 401
    assert_limited(second)


def test_unknown_email_is_limited_alike_and_not_hashed_above_the_limit(
    limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(login_account=1)
    hashes = count_hashes(monkeypatch)

    first = _log_in(Api(), "nobody@example.com")
    hashed = len(hashes)
    second = _log_in(Api(), "nobody@example.com")

    assert first.status == 401
    assert_limited(second)
    assert (hashed, len(hashes)) == (1, 1)


def test_guessing_the_current_password_is_limited_too(limit: Limit) -> None:
    user = _a_user("ada@example.com")
    api = api_of(user)
    limit(password_account_address=1)
    body = {"current_password": "wrong", "new_password": "battery-staple-9"}

    first = api.post("/client/password", body)
    second = api.post("/client/password", {**body, "current_password": PASSWORD})

    assert first.status == 401
    assert_limited(second)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_sign_up_is_limited_per_address(limit: Limit) -> None:
    limit(signup=1)

    first = _sign_up(api_at("10.0.0.1"), "ada@example.com")
    second = _sign_up(api_at("10.0.0.1"), "ben@example.com")
    elsewhere = _sign_up(api_at("10.0.0.2"), "ben@example.com")

    assert first.status == 201
    assert_limited(second)
    assert elsewhere.status == 201


def test_sign_up_is_limited_per_account_and_address_before_anything_is_hashed(
    limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(signup_account=1)
    hashes = count_hashes(monkeypatch)

    first = _sign_up(api_at("10.0.0.1"), "ada@example.com")
    hashed = len(hashes)
    second = _sign_up(api_at("10.0.0.1"), "ADA@example.com")
    other = _sign_up(api_at("10.0.0.2"), "ben@example.com")

    assert (first.status, other.status) == (201, 201)
    assert_limited(second)
    assert (hashed, len(hashes)) == (1, 2)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"]
)
def test_header_does_not_change_the_address(limit: Limit, header: str) -> None:
    limit(login_address=1)
    body = {"email": "ada@example.com", "password": PASSWORD}

    first = Api().post("/client/login", body, **{header: "10.0.0.1"})
    second = Api().post("/client/login", body, **{header: "10.0.0.2"})

    assert first.status == 401
    assert_limited(second)


def test_exactly_as_many_log_ins_pass_as_are_allowed(limit: Limit) -> None:
    limit(login_account=4)

    replies = race(20, lambda _: _log_in(Api(), "nobody@example.com"))

    assert sorted(reply.status for reply in replies) == [401] * 4 + [429] * 16


def test_exactly_as_many_deposits_pass_as_are_allowed(limit: Limit) -> None:
    client = a_client()
    limit(writes=7)

    replies = race(20, lambda number: _deposit(client, key=str(number)))

    assert sorted(reply.status for reply in replies) == [200] * 7 + [429] * 13
    assert client.balance_minor == 7 * 500
    assert Transaction.objects.count() == 7
    assert IdempotencyRecord.objects.count() == 7


def test_reads_and_writes_count_apart_and_each_caller_for_itself(limit: Limit) -> None:
    client, other = a_client(), a_client()
    limit(reads=1, writes=1)

    def statuses(holder: Holder) -> list[int]:
        reads = [holder.api.get("/wallet/list") for _ in range(2)]
        writes = [_deposit(holder, key=f"{number}") for number in range(2)]
        return [reply.status for reply in (*reads, *writes)]

    assert statuses(client) == [200, 429, 200, 429]
    assert statuses(other) == [200, 429, 200, 429]
    assert client.balance_minor == 500


def test_second_token_of_a_caller_is_the_same_caller(limit: Limit) -> None:
    client = a_client()
    limit(reads=1)

    first = client.api.get("/wallet/list")
    second = api_of(client.user).get("/wallet/list")

    assert first.status == 200
    assert_limited(second)


def test_calls_without_permission_count_too(limit: Limit) -> None:
    client = a_client()
    limit(writes=2)
    body = {"wallet": str(client.wallet_id), "amount": 1, "summary": "x"}

    charges = [client.api.post("/wallet/charge", body) for _ in range(2)]
    deposit = _deposit(client, key="k")

    assert [charge.code for charge in charges] == ["permission_denied"] * 2
    assert_limited(deposit)
    assert client.balance_minor == 0


def test_of_several_limits_the_headers_show_the_one_that_ends_first(limit: Limit) -> None:
    limit(login_address=30, login_account_address=3, login_account=100)
    body = {"email": "ada@example.com", "password": "wrong"}

    replies = [Api().post("/client/login", body) for _ in range(2)]

    assert [reply.status for reply in replies] == [401, 401]
    policy = '"login_account_address";q=3;w=86400'
    assert [reply.headers["RateLimit-Policy"] for reply in replies] == [policy, policy]
    shown = [reply.headers["RateLimit"].partition(";t=")[0] for reply in replies]
    assert shown == [f'"login_account_address";r={left}' for left in (2, 1)]


def test_answers_have_the_rate_limit_headers(limit: Limit) -> None:
    client = a_client()
    limit(reads=2)

    first, second, third = [client.api.get("/wallet/list") for _ in range(3)]

    for reply, left in ((first, 1), (second, 0), (third, 0)):
        assert reply.headers["RateLimit-Policy"] == '"reads";q=2;w=86400'
        assert re.fullmatch(f'"reads";r={left};t=[1-9][0-9]*', reply.headers["RateLimit"])
    assert_limited(third)
    assert third.headers["RateLimit"].endswith(f";t={third.headers['Retry-After']}")
    assert "RateLimit" not in Api().get("/status").headers


def test_key_of_a_limited_call_stays_free(limit: Limit) -> None:
    client = a_client()
    limit(writes=1)
    _deposit(client, key="first")
    limited = _deposit(client, key="k")

    limit(writes=100)
    good = _deposit(client, key="k")

    assert_limited(limited)
    assert (good.status, "Idempotent-Replayed" in good.headers) == (200, False)
    assert client.balance_minor == 1000


@pytest.mark.parametrize("path", ["/status", "/api/v1/health"])
def test_probes_are_not_limited(limit: Limit, path: str) -> None:
    limit(reads=1)

    assert [Api().get(path).status for _ in range(3)] == [200] * 3


def test_limits_can_be_turned_off(limit: Limit, settings: Settings) -> None:
    client = a_client()
    limit(reads=1, writes=1, login_account=1, login_address=1)
    settings.RATELIMIT_ENABLE = False

    replies = [client.api.get("/wallet/list") for _ in range(3)]
    log_ins = [_log_in(Api(), "nobody@example.com") for _ in range(2)]

    assert [reply.status for reply in (*replies, *log_ins)] == [200] * 3 + [401] * 2


def assert_limited(reply: Reply) -> None:
    assert (reply.status, reply.code) == (429, "rate_limited")
    assert re.fullmatch("[1-9][0-9]*", reply.headers["Retry-After"])


def _a_user(email: str) -> User:
    return UserFactory.create(email=email, password=hashed(PASSWORD))


def _log_in(
    api: Api, email: str, password: str = PASSWORD, *, path: str = "/client/login"
) -> Reply:
    return api.post(path, {"email": email, "password": password})


def _sign_up(api: Api, email: str) -> Reply:
    profile = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
    return api.post("/client/signup", {"email": email, "password": PASSWORD, "client": profile})


def _deposit(client: Holder, *, key: str) -> Reply:
    return client.api.post(
        "/wallet/deposit", {"wallet": str(client.wallet_id), "amount": 5}, key=key
    )
