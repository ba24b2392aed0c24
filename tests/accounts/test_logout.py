"""Log-out of one session and of all sessions."""

import pytest
from knox.models import AuthToken

from tests.factories import Holder, a_client, a_company, api_of
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")


def _holder(path: str) -> Holder:
    return a_company() if path.startswith("/company") else a_client()


@pytest.mark.parametrize("path", ["/client/logout", "/company/logout"])
def test_log_out_revokes_only_this_token_and_immediately(path: str) -> None:
    holder = _holder(path)
    other_session, another_user = api_of(holder.user), a_client()

    reply = holder.api.post(path, {})

    assert (reply.status, reply.raw) == (204, b"")
    assert_revoked(holder.api)
    assert_valid(other_session)
    assert_valid(another_user.api)


@pytest.mark.parametrize("path", ["/client/logoutall", "/company/logoutall"])
def test_log_out_everywhere_revokes_every_token_of_the_caller(path: str) -> None:
    holder = _holder(path)
    other_session, another_user = api_of(holder.user), a_client()

    reply = holder.api.post(path, {})

    assert (reply.status, reply.raw) == (204, b"")
    assert_revoked(holder.api)
    assert_revoked(other_session)
    assert_valid(another_user.api)
    assert list(AuthToken.objects.values_list("user", flat=True)) == [another_user.user.pk]


@pytest.mark.parametrize("path", ["/client/logout", "/client/logoutall"])
def test_log_out_with_a_revoked_token(path: str) -> None:
    client = a_client()
    client.api.post("/client/logout")

    reply = client.api.post(path)

    assert (reply.status, reply.code) == (401, "invalid_token")


@pytest.mark.parametrize(
    "path", ["/client/logout", "/client/logoutall", "/company/logout", "/company/logoutall"]
)
def test_refused_log_out_leaves_the_token_valid(api: Api, path: str) -> None:
    holder = _holder(path)

    anonymous = api.post(path)
    unknown_field = holder.api.post(path, {"everywhere": True})
    malformed = holder.api.post(path, b"[]")

    assert (anonymous.status, anonymous.code) == (401, "not_authenticated")
    assert (unknown_field.status, unknown_field.code) == (422, "validation_error")
    assert (malformed.status, malformed.code) == (400, "malformed_json")
    assert_valid(holder.api)


def assert_revoked(api: Api) -> None:
    reply = _call(api)
    assert (reply.status, reply.code) == (401, "invalid_token")


def assert_valid(api: Api) -> None:
    assert _call(api).status == 200


def _call(api: Api) -> Reply:
    return api.get("/wallet/list")
