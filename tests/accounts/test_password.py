"""Changing the password: this token stays valid, all others are revoked."""

from typing import Any

import pytest

from accounts.models import Action, Role, SupportAction, User
from tests.factories import ClientFactory, CompanyFactory, UserFactory, a_client, api_of
from tests.hashing import hashed
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

OLD, NEW = "correct-horse-7", "battery-staple-9"
CHANGE = {"current_password": OLD, "new_password": NEW}

# fmt: off
REFUSED: tuple[tuple[dict[str, Any], int, str, set[str]], ...] = (
    ({"current_password": "wrong"},             401, "invalid_credentials", set()),
    ({"current_password": NEW},                 401, "invalid_credentials", set()),
    ({"current_password": f"{OLD} "},           401, "invalid_credentials", set()),
    ({"new_password": "short-7"},               422, "validation_error", {"new_password"}),
    ({"new_password": "password1"},             422, "validation_error", {"new_password"}),
    ({"new_password": "84719365028"},           422, "validation_error", {"new_password"}),
    ({"new_password": "ada@example.com"},       422, "validation_error", {"new_password"}),
    ({"new_password": ""},                      422, "validation_error", {"new_password"}),
    ({"new_password": "x" * 513},               422, "validation_error", {"new_password"}),
    ({"new_password": None},                    422, "validation_error", {"new_password"}),
    ({"new_password": 84719365028},             422, "validation_error", {"new_password"}),
    ({"new_password": "battery\x00staple"},     422, "validation_error", {"new_password"}),
    ({"new_password": ...},                     422, "validation_error", {"new_password"}),
    ({"current_password": ...},                 422, "validation_error", {"current_password"}),
    ({"password": NEW},                         422, "validation_error", {"password"}),
)
# fmt: on


@pytest.mark.parametrize(
    ("role", "account_kind"),
    [(Role.CLIENT, "client"), (Role.COMPANY, "company")],
    ids=["client", "company"],
)
def test_change_keeps_this_token_and_revokes_all_others(role: Role, account_kind: str) -> None:
    user = _a_user(role)
    this, other, another_user = api_of(user), api_of(user), a_client().api

    reply = this.post(f"/{account_kind}/password", CHANGE)

    assert (reply.status, reply.raw) == (204, b"")
    assert _status(this) == 200
    assert other.get("/wallet/list").code == "invalid_token"
    assert _status(another_user) == 200
    credentials = {"email": "ada@example.com", "password": OLD}
    assert Api().post(f"/{account_kind}/login", credentials).code == "invalid_credentials"
    assert Api().post(f"/{account_kind}/login", {**credentials, "password": NEW}).status == 200


@pytest.mark.parametrize(("changes", "status", "code", "fields"), REFUSED)
def test_refused_change_changes_nothing(
    changes: dict[str, Any], status: int, code: str, fields: set[str]
) -> None:
    user = _a_user()
    this, other = api_of(user), api_of(user)
    body = {name: value for name, value in {**CHANGE, **changes}.items() if value is not ...}

    reply = this.post("/client/password", body)

    assert (reply.status, reply.code) == (status, code)
    assert set(reply.json["details"]) == fields
    assert (_status(this), _status(other)) == (200, 200)
    user.refresh_from_db()
    assert user.password == hashed(OLD)


def test_only_an_operators_change_is_recorded_as_a_support_action() -> None:
    operator = UserFactory.create(role=Role.OPERATOR, password=hashed(OLD))
    client, api = _a_user(), api_of(operator)
    api_of(client).post("/client/password", CHANGE)
    api.post("/client/password", CHANGE | {"current_password": "wrong"})
    assert not SupportAction.objects.exists()

    reply = api.post("/company/password", CHANGE)

    assert reply.status == 204
    action = SupportAction.objects.get()
    assert (action.action, action.actor_id) == (Action.PASSWORD_SET, operator.pk)
    assert (action.subject_kind, action.subject_id) == ("user", str(operator.pk))
    assert action.address == "127.0.0.1"
    assert action.request_id == reply.headers["X-Request-ID"]


def test_change_needs_a_token(api: Api) -> None:
    reply = api.post("/client/password", CHANGE)

    assert (reply.status, reply.code) == (401, "not_authenticated")


def _status(api: Api) -> int:
    return int(api.get("/wallet/list").status)


def _a_user(role: Role = Role.CLIENT) -> User:
    user: User = UserFactory.create(email="ada@example.com", role=role, password=hashed(OLD))
    profile = ClientFactory if role == Role.CLIENT else CompanyFactory
    profile.create(user=user)
    return user
