"""Wrong tokens are limited for each address; who has a right one goes on.

A worker remembers who is over the limit: each test has an address of its own.
"""

import pytest
from pytest_django import Settings

from tests.factories import a_client, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def two_a_day(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "invalid_tokens": "2/d"}


def get(address: str, token: str, *, scheme: str = "Token") -> Reply:
    api = Api()
    api._client.defaults["REMOTE_ADDR"] = address
    return api.get("/wallet/list", Authorization=f"{scheme} {token}")


def test_guesses_of_an_address_are_limited_and_a_right_one_is_not_looked_up_then() -> None:
    token = _token()

    guesses = [get("10.1.0.1", f"guess{number}").status for number in range(4)]
    right = get("10.1.0.1", token)
    elsewhere = get("10.1.0.2", token)

    assert guesses == [401, 401, 429, 429]
    assert (right.status, right.code) == (429, "rate_limited")
    assert right.headers["Retry-After"]
    assert right.headers["RateLimit"].startswith('"invalid_tokens";r=0;t=')
    assert elsewhere.status == 200


def test_whoever_was_there_with_a_right_token_goes_on_beside_a_guesser() -> None:
    token = _token()
    before = get("10.1.1.1", token)

    guesses = [get("10.1.1.1", f"guess{number}").status for number in range(3)]
    after = [get("10.1.1.1", token).status for _ in range(3)]

    assert before.status == 200
    assert guesses == [401, 401, 429]
    assert after == [200] * 3


def test_right_tokens_are_not_counted() -> None:
    token = _token()

    assert [get("10.1.2.1", token).status for _ in range(5)] == [200] * 5


def test_a_token_that_was_logged_out_is_a_wrong_one() -> None:
    api = a_client().api
    api._client.defaults["REMOTE_ADDR"] = "10.1.3.1"
    api.post("/client/logout")

    replies = [api.get("/wallet/list").status for _ in range(4)]

    assert replies == [401, 401, 429, 429]


def test_another_scheme_and_a_public_door_count_too() -> None:
    basic = [get("10.1.4.1", "YTpi", scheme="Basic").status for _ in range(2)]
    public = Api()
    public._client.defaults["REMOTE_ADDR"] = "10.1.4.1"
    customer = public.get(f"/customer/{a_client().user.pk}", Authorization="Token nonsense")

    assert basic == [401, 401]
    assert customer.status == 429


def test_without_a_token_nothing_is_guessed() -> None:
    api = Api()
    api._client.defaults["REMOTE_ADDR"] = "10.1.5.1"

    assert [api.get("/wallet/list").status for _ in range(4)] == [401] * 4


def test_the_limit_can_be_off(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False

    assert [get("10.1.6.1", "guess").status for _ in range(4)] == [401] * 4


def _token() -> str:
    return str(api_of(a_client().user)._token)
