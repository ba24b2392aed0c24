"""A tape hides what differs from run to run, and nothing else."""

from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from tests.http_client import Reply
from tests.recorded.recording import Tape
from tests.recorded.writing import written

ONE = "0c93d2c5-b4e6-4190-8a4e-c758be9c1f40"
OTHER = "d16b6d7e-364d-407b-9b07-2e2412121a02"
BODY = '{"id":"%s","of":"%s","at":"2026-01-31T12:00:00.123Z","balance":12.50}'


def kept(settings: Settings, body: str, **headers: str) -> dict[str, Any]:
    """Return what a fresh tape keeps of an answer."""
    tape = Tape(settings)
    told = {"X-Request-ID": str(uuid4()), **headers}
    response = HttpResponse(body, content_type="application/json", headers=told)
    tape.keep({"call": "GET /", "as": "nobody"}, b"", Reply(response))
    return tape.calls[0]


def test_other_ids_and_times_are_the_same_answer(settings: Settings) -> None:
    once = kept(settings, BODY % (ONE, OTHER))
    again = kept(settings, (BODY % (OTHER, ONE)).replace("12:00:00.123", "13:11:09.000"))

    assert once == again
    assert once["json"]["id"] == "<uuid-1>"


def test_what_is_secret_or_drawn_is_a_word(settings: Settings) -> None:
    secret, picture = f"pt_{'aB3_-' * 8}xyz", "data:image/svg+xml;charset=utf-8,%3Csvg height='1'"
    body = f'{{"paytoken":"{secret}","qr":"{picture}","again":"{secret}"}}'

    assert kept(settings, body)["json"] == {
        "paytoken": "<paytoken-1>",
        "qr": "<qr-1>",
        "again": "<paytoken-1>",
    }


@pytest.mark.parametrize(
    "changed",
    [
        BODY % (ONE, ONE),
        (BODY % (ONE, OTHER)).replace("12.50", "12.5"),
        (BODY % (ONE, OTHER)).replace("12.50", '"12.50"'),
        (BODY % (ONE, OTHER)).replace(".123Z", "Z"),
        (BODY % (ONE, OTHER)).replace('"of":', '"of": '),
        (BODY % (ONE, OTHER)).replace("id", "Id"),
        f'{{"of":"{ONE}","id":"{OTHER}","at":"2026-01-31T12:00:00.123Z","balance":12.50}}',
    ],
    ids=("same id", "12.5", "quoted", "no milliseconds", "a space", "a name", "another order"),
)
def test_whatever_else_differs_is_seen(settings: Settings, changed: str) -> None:
    once, again = kept(settings, BODY % (ONE, OTHER)), kept(settings, changed)

    assert written(once) != written(again)


def test_a_header_that_differs_is_seen(settings: Settings) -> None:
    assert kept(settings, "{}", Vary="origin") != kept(settings, "{}")
