"""Unused tokens expire early, and a use costs a write at most once a minute."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken
from pytest_django import Settings

from tests.factories import a_client, api_of
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

DAY = timedelta(hours=24)
IDLE = timedelta(minutes=30)


@pytest.fixture
def api(settings: Settings) -> Api:
    settings.TOKEN_IDLE = IDLE
    user = a_client().user
    AuthToken.objects.all().delete()
    return api_of(user)


def token() -> AuthToken:
    return AuthToken.objects.get()


def writes_of_a_read(api: Api) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert api.get("/wallet/list").status == 200
    return sum("UPDATE" in query["sql"] and "knox" in query["sql"] for query in captured)


def test_an_unused_token_expires(api: Api) -> None:
    assert abs(token().expiry - token().created - IDLE) < timedelta(seconds=10)

    AuthToken.objects.update(expiry=timezone.now())

    assert api.get("/wallet/list").code == "invalid_token"


def test_a_use_prolongs_a_token_at_most_once_a_minute(api: Api) -> None:
    AuthToken.objects.update(expiry=timezone.now() + timedelta(minutes=2))

    writes = [writes_of_a_read(api) for _ in range(3)]

    assert writes == [1, 0, 0]
    assert abs(token().expiry - timezone.now() - IDLE) < timedelta(seconds=10)


def test_a_use_never_prolongs_a_token_past_its_lifetime(api: Api) -> None:
    created = timezone.now() - DAY + timedelta(minutes=10)
    AuthToken.objects.update(created=created, expiry=timezone.now() + timedelta(minutes=2))

    assert writes_of_a_read(api) == 1
    assert token().expiry == created + DAY


def test_without_the_setting_a_use_writes_nothing() -> None:
    client = a_client()

    assert writes_of_a_read(client.api) == 0
    assert {row.expiry - row.created > DAY - IDLE for row in AuthToken.objects.all()} == {True}
