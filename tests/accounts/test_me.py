"""`GET /me`: whose token this is."""

import pytest
from pytest_django import Settings

from tests.factories import a_client, a_company, an_operator, api_of
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")


def test_each_kind_of_account() -> None:
    client, company, operator = a_client(), a_company(), an_operator()

    replies = [each.get("/me") for each in (client.api, company.api, api_of(operator))]

    assert [reply.status for reply in replies] == [200, 200, 200]
    assert [reply.json for reply in replies] == [
        {
            "id": str(client.user.pk),
            "kind": "client",
            "email": client.user.email,
            "name": "Ada Lovelace",
        },
        {
            "id": str(company.user.pk),
            "kind": "company",
            "email": company.user.email,
            "name": "Corner Shop",
        },
        {"id": str(operator.pk), "kind": "operator", "email": operator.email, "name": ""},
    ]


def test_without_a_token(api: Api) -> None:
    assert api.get("/me").code == "not_authenticated"
    assert api.as_("nonsense").get("/me").code == "invalid_token"
    assert a_client().api.get("/me?verbose=1").code == "validation_error"


def test_it_counts_as_a_read(settings: Settings) -> None:
    client = a_client()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reads": "1/d"}

    statuses = [client.api.get("/me").status for _ in range(2)]

    assert statuses == [200, 429]
