"""Whatever the schema allows and forbids, sent: no answer but those that it has."""

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
from tests.fuzz.bounds import MORE, bounded
from tests.fuzz.world import World

pytestmark = pytest.mark.usefixtures("books")

TAGS = (
    "accounts",
    "credits of a platform",
    "intake",
    "service",
    "wallets as resources",
    "wallets by token",
)
#: Where an answer leads, beyond what the names in the schema tell.
LINKS = {
    "wallet_info": {"token": "$response.body#/wallet"},
    "wallet_history": {"token": "$response.body#/wallet"},
}
#: They take a password or a mail that nobody here has, or a symbol in the path, which is made up;
#: the customer holds money.
NEVER_DONE = {
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
        # Which amounts, passwords and addresses are taken is more than a schema can say.
        "positive_data_acceptance": {"enabled": False},
        # Who may call what, and by which method, is a table of its own: test_access.py.
        "ignored_auth": {"enabled": MORE > 1},
    },
    "phases": {"coverage": {"unexpected-methods": [] if MORE == 1 else ["PUT", "QUERY"]}},
}


@pytest.fixture
def world(books: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.RATELIMIT_ENABLE = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # The end of a request ends no connection.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    connection.close()
    return World()


@pytest.mark.parametrize("tag", TAGS)
def test_each_operation_answers_as_the_schema_says(tag: str, world: World) -> None:
    tried: dict[str, set[int]] = defaultdict(set)
    places = count()

    def is_tried(case: Case[Any]) -> bool:
        """Of the many that cover the schema, usually every fourth."""
        is_covering = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
        return MORE > 1 or not is_covering or next(places) % 4 == 0

    def answers_as_it_says(case: Case[Any]) -> None:
        if not is_tried(case):
            return
        world.put_ids(case)
        response = case.call()
        tried[case.operation.label].add(response.status_code)
        case.validate_response(response)

    for found in get_all_tests(
        schema=a_schema(world).include(tag=tag),
        test_func=answers_as_it_says,
        settings=bounded(max_examples=5),
        given_kwargs={},
    ):
        assert isinstance(found, Ok), found
        _, test = found.ok()
        test()

    assert tried
    if MORE > 1:
        never_done = {name for name, statuses in tried.items() if min(statuses) >= 300}
        assert never_done <= NEVER_DONE


def test_what_one_answer_tells_the_next_call_can_use(world: World) -> None:
    schema = a_schema(world)
    assert schema.analysis.inject_links() > 20

    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Case[Any]) -> None:
            world.put_ids(case)

        def after_call(self, response: Any, case: Case[Any]) -> None:
            world.learn(response.content)

    Workflow.run(settings=bounded(max_examples=8, stateful_step_count=5))


def a_schema(world: World) -> Any:
    """Return the schema with its application; each call has a token of who may make it."""
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_dict(_document(), config=config)
    schema.app = application

    @schema.auth(cache_by_key=lambda _case, context: context.operation.path)
    class Token:
        def get(self, case: Case[Any], context: AuthContext) -> str:
            return world.token_for(context.operation.path)

        def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
            case.headers["Authorization"] = f"Token {data}"

    # It would end the session of all calls that follow.
    return schema.exclude(path_regex="/logout")


@cache
def _document() -> dict[str, Any]:
    document = openapi_document()
    created = document["paths"]["/wallet/create"]["post"]["responses"]["201"]
    created["links"] = {
        name: {"operationId": name, "parameters": parameters} for name, parameters in LINKS.items()
    }
    return document
