"""Logging out: here, and everywhere."""

import pytest
from knox.models import AuthToken

from tests.factories import Holder, a_client, a_company, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")


def _holder(path: str) -> Holder:
    return a_company() if path.startswith("/company") else a_client()


@pytest.mark.parametrize("path", ["/client/logout", "/company/logout"])
def test_log_out_kills_this_token_at_once_and_no_other(path: str) -> None:
    holder = _holder(path)
    other_session, somebody = api_of(holder.user), a_client()

    reply = holder.api.post(path, {})

    assert (reply.status, reply.raw) == (204, b"")
    assert_dead(holder.api)
    assert_alive(other_session)
    assert_alive(somebody.api)


@pytest.mark.parametrize("path", ["/client/logoutall", "/company/logoutall"])
def test_log_out_everywhere_kills_every_token_of_the_caller(path: str) -> None:
    holder = _holder(path)
    other_session, somebody = api_of(holder.user), a_client()

    reply = holder.api.post(path, {})

    assert (reply.status, reply.raw) == (204, b"")
    assert_dead(holder.api)
    assert_dead(other_session)
    assert_alive(somebody.api)
    assert list(AuthToken.objects.values_list("user", flat=True)) == [somebody.user.pk]


@pytest.mark.parametrize("path", ["/client/logout", "/client/logoutall"])
def test_log_out_with_a_dead_token(path: str) -> None:
    client = a_client()
    client.api.post("/client/logout")

    reply = client.api.post(path)

    assert (reply.status, reply.code) == (401, "invalid_token")


@pytest.mark.parametrize(
    "path", ["/client/logout", "/client/logoutall", "/company/logout", "/company/logoutall"]
)
def test_refused_log_out_leaves_the_token_alive(api: Api, path: str) -> None:
    holder = _holder(path)

    nobody = api.post(path)
    unknown_field = holder.api.post(path, {"everywhere": True})
    malformed = holder.api.post(path, b"[]")

    assert (nobody.status, nobody.code) == (401, "not_authenticated")
    assert (unknown_field.status, unknown_field.code) == (422, "validation_error")
    assert (malformed.status, malformed.code) == (400, "malformed_json")
    assert_alive(holder.api)


def assert_dead(api: Api) -> None:
    reply = _ask(api)
    assert (reply.status, reply.code) == (401, "invalid_token")


def assert_alive(api: Api) -> None:
    assert _ask(api).status == 200


def _ask(api: Api) -> Reply:
    return api.get("/wallet/list")
