"""`GET /`: a page for people, the error body for programs."""

import re

import pytest

from tests.http_client import Api

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_people_are_led_to_what_there_is(api: Api) -> None:
    page = api.get("/", Accept=BROWSER)

    links = re.findall(r"(?:href|src)=\"([^\"]+)\"", page.raw.decode())
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert {"/api", "/api/redoc", "/api/schema", "/admin/"} <= set(links)
    assert all(link.startswith("/") for link in links)
    answers = [api.get(link, Accept="*/*").status for link in links]
    assert set(answers) <= {200, 302}
    assert api.call("HEAD", "/", Accept=BROWSER).status == 200


@pytest.mark.parametrize(
    "accept", [None, "", "*/*", "application/json", "application/json, text/html"]
)
def test_programs_get_the_error_body(api: Api, accept: str | None) -> None:
    reply = api.get("/", **({} if accept is None else {"Accept": accept}))

    assert (reply.status, reply.code) == (404, "not_found")
