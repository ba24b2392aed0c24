"""Generated requests, valid and invalid by the schema: every answer is a documented one."""

from collections import defaultdict
from functools import cache
from itertools import count
from typing import Any

import pytest
import schemathesis
from django.db import connection
from pytest_django import Settings
from schemathesis import AuthContext, Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation.meta import TestPhase
from schemathesis.pytest.lazy import get_all_tests

from api.clients.files import openapi_document
from config.wsgi import application
from tests.fuzz.bounds import EXAMPLES_FACTOR, bounded
from tests.fuzz.scenario import Scenario

pytestmark = pytest.mark.usefixtures("books")

TAGS = (
    "accounts",
    "credits of a platform",
    "holds",
    "intake",
    "paying safely",
    "payment requests",
    "service",
    "wallets as resources",
    "wallets by token",
)
#: Links between operations beyond those that schemathesis infers from names.
LINKS = {
    "wallet_info": {"token": "$response.body#/wallet"},
    "wallet_history": {"token": "$response.body#/wallet"},
}
#: They need a password or a mailed token that the test does not have, or take a generated symbol in
#: the path; the customer cannot be removed because of a balance.
NEVER_SUCCEEDING = {
    "GET /api/v1/wallet/balance/{user_id}/{symbol}",
    "POST /client/login",
    "POST /client/password",
    "POST /company/login",
    "POST /company/password",
    "POST /company/signup",
    "POST /password/reset/confirm",
    "DELETE /customer/{customer_id}",
}
CONFIG = {
    "checks": {
        # The schema cannot express which amounts, passwords and addresses are accepted.
        "positive_data_acceptance": {"enabled": False},
        # `tests/api/http/test_access.py` tests the permissions and methods.
        "ignored_auth": {"enabled": EXAMPLES_FACTOR > 1},
    },
    "phases": {
        "coverage": {"unexpected-methods": [] if EXAMPLES_FACTOR == 1 else ["PUT", "QUERY"]}
    },
}


@pytest.fixture
def scenario(books: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    settings.RATELIMIT_ENABLE = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Keep the database connection after each request.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    connection.close()
    return Scenario()


@pytest.mark.parametrize("tag", TAGS)
def test_each_operation_answers_as_documented(tag: str, scenario: Scenario) -> None:
    tried: dict[str, set[int]] = defaultdict(set)
    positions = count()

    def is_tried(case: Case[Any]) -> bool:
        """Whether to send the case: of those of the coverage phase usually every fourth."""
        is_covering = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
        return EXAMPLES_FACTOR > 1 or not is_covering or next(positions) % 4 == 0

    def check_answer(case: Case[Any]) -> None:
        if not is_tried(case):
            return
        scenario.fill_ids(case)
        response = case.call()
        tried[case.operation.label].add(response.status_code)
        case.validate_response(response)

    for found in get_all_tests(
        schema=schema_for(scenario).include(tag=tag),
        test_func=check_answer,
        settings=bounded(max_examples=5),
        given_kwargs={},
    ):
        assert isinstance(found, Ok), found
        _, test = found.ok()
        test()

    assert tried
    if EXAMPLES_FACTOR > 1:
        never_succeeding = {name for name, statuses in tried.items() if min(statuses) >= 300}
        assert never_succeeding <= NEVER_SUCCEEDING


def test_calls_with_ids_of_earlier_answers(scenario: Scenario) -> None:
    schema = schema_for(scenario)
    assert schema.analysis.inject_links() > 20

    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Case[Any]) -> None:
            scenario.fill_ids(case)

        def after_call(self, response: Any, case: Case[Any]) -> None:
            scenario.record_ids(response.content)

    Workflow.run(settings=bounded(max_examples=8, stateful_step_count=5))


def schema_for(scenario: Scenario) -> Any:
    """Return the schema with its application and the token for each call."""
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_dict(_document(), config=config)
    schema.app = application

    @schema.auth(cache_by_key=lambda _case, context: context.operation.path)
    class Token:
        def get(self, case: Case[Any], context: AuthContext) -> str:
            return scenario.token_for(context.operation.path)

        def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Token {data}"

    # A log-out would end the session of all later calls.
    return schema.exclude(path_regex="/logout")


@cache
def _document() -> dict[str, Any]:
    document = openapi_document()
    created = document["paths"]["/wallet/create"]["post"]["responses"]["201"]
    created["links"] = {
        name: {"operationId": name, "parameters": parameters} for name, parameters in LINKS.items()
    }
    return document
