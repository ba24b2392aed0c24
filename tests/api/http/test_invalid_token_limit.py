"""Invalid tokens are limited per address; tokens known to be valid stay accepted.

A process keeps the addresses that are over the limit in memory: each test has its own address.
"""

import pytest
from pytest_django import Settings

from tests.factories import a_client, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def limit_of_two_a_day(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "invalid_tokens": "2/d"}


def get(address: str, token: str, *, scheme: str = "Token") -> Reply:
    api = Api()
    api._client.defaults["REMOTE_ADDR"] = address
    return api.get("/wallet/list", Authorization=f"{scheme} {token}")


def test_invalid_tokens_of_an_address_are_limited_and_then_valid_ones_are_refused_too() -> None:
    token = _token()

    guesses = [get("10.1.0.1", f"guess{number}").status for number in range(4)]
    valid = get("10.1.0.1", token)
    elsewhere = get("10.1.0.2", token)

    assert guesses == [401, 401, 429, 429]
    assert (valid.status, valid.code) == (429, "rate_limited")
    assert valid.headers["Retry-After"]
    assert valid.headers["RateLimit"].startswith('"invalid_tokens";r=0;t=')
    assert elsewhere.status == 200


def test_a_token_that_was_valid_before_stays_accepted_from_a_blocked_address() -> None:
    token = _token()
    before = get("10.1.1.1", token)

    guesses = [get("10.1.1.1", f"guess{number}").status for number in range(3)]
    after = [get("10.1.1.1", token).status for _ in range(3)]

    assert before.status == 200
    assert guesses == [401, 401, 429]
    assert after == [200] * 3


def test_valid_tokens_are_not_counted() -> None:
    token = _token()

    assert [get("10.1.2.1", token).status for _ in range(5)] == [200] * 5


def test_a_logged_out_token_counts_as_invalid() -> None:
    api = a_client().api
    api._client.defaults["REMOTE_ADDR"] = "10.1.3.1"
    api.post("/client/logout")

    replies = [api.get("/wallet/list").status for _ in range(4)]

    assert replies == [401, 401, 429, 429]


def test_another_scheme_and_a_public_endpoint_count_too() -> None:
    basic = [get("10.1.4.1", "YTpi", scheme="Basic").status for _ in range(2)]
    public = Api()
    public._client.defaults["REMOTE_ADDR"] = "10.1.4.1"
    customer = public.get(f"/customer/{a_client().user.pk}", Authorization="Token nonsense")

    assert basic == [401, 401]
    assert customer.status == 429


def test_requests_without_a_token_are_not_counted() -> None:
    api = Api()
    api._client.defaults["REMOTE_ADDR"] = "10.1.5.1"

    assert [api.get("/wallet/list").status for _ in range(4)] == [401] * 4


def test_the_limit_can_be_off(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False

    assert [get("10.1.6.1", "guess").status for _ in range(4)] == [401] * 4


def _token() -> str:
    return str(api_of(a_client().user)._token)
