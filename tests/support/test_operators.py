"""Operators' passwords: set from a terminal, changed in the admin; both revoke tokens."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import Action, Role, SupportAction, User
from tests.factories import UserFactory, api_of
from tests.hashing import count_hashes, hashed
from tests.http_client import Api
from tests.support.admin_session import WALLETS, AdminSession, admin_session_of

pytestmark = pytest.mark.usefixtures("books")

OLD, NEW = "correct-horse-7", "battery-staple-9"
CHANGE = "/admin/password_change/"


@pytest.fixture
def operator_user() -> User:
    return UserFactory.create(role=Role.OPERATOR, password=hashed(OLD))


def create_operator(monkeypatch: pytest.MonkeyPatch, email: str, typed: str) -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    printed = io.StringIO()
    call_command("create_operator", email, set_password=True, stdout=printed)
    return printed.getvalue()


def change(admin: AdminSession, old: str, new: str) -> int:
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    return int(admin.client.post(CHANGE, fields).status_code)


def test_an_operator_can_log_in_with_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = create_operator(monkeypatch, "Ops@example.com", f"{NEW}\nrest")
    client = Client()

    client.post("/admin/login/", {"username": "ops@example.com", "password": NEW})

    assert client.get(WALLETS).status_code == 200
    assert NEW not in printed
    assert Api(printed.split()[-1]).get("/idempotency/k").status == 200


def test_a_new_password_revokes_older_tokens(
    operator_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = api_of(operator_user)

    create_operator(monkeypatch, operator_user.email, NEW)

    assert token.get("/idempotency/k").code == "invalid_token"
    assert User.objects.get().check_password(NEW)
    assert SupportAction.objects.get().action == Action.PASSWORD_SET


@pytest.mark.parametrize("typed", ["", "short", "12345678901"])
def test_a_weak_password_creates_no_operator(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    with pytest.raises(CommandError, match="password"):
        create_operator(monkeypatch, "ops@example.com", typed)

    assert not User.objects.exists()


def test_a_changed_password_ends_every_token_and_other_session(operator_user: User) -> None:
    admin, other, token = (
        admin_session_of(operator_user),
        admin_session_of(operator_user),
        api_of(operator_user),
    )

    status = change(admin, OLD, NEW)

    assert status == 302
    assert User.objects.get().check_password(NEW)
    assert token.get("/idempotency/k").code == "invalid_token"
    assert admin.get(WALLETS).status == 200
    assert other.get(WALLETS).status == 302
    assert SupportAction.objects.get(action=Action.PASSWORD_SET).actor_id == operator_user.pk


@pytest.mark.parametrize(("old", "new"), [("wrong", NEW), (OLD, "short")])
def test_a_refused_password_change_ends_nothing(operator_user: User, old: str, new: str) -> None:
    token = api_of(operator_user)

    assert change(admin_session_of(operator_user), old, new) == 200
    assert User.objects.get().check_password(OLD)
    assert token.get("/idempotency/k").status == 200


def test_guesses_of_the_old_password_are_limited(
    operator_user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "password_account_address": "1/d"}
    admin = admin_session_of(operator_user)
    change(admin, "wrong", NEW)
    hashes = count_hashes(monkeypatch)

    status = change(admin, OLD, NEW)

    assert (status, hashes) == (200, [])
    assert User.objects.get().password == operator_user.password
