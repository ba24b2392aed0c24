"""Staff and platforms: decided when an operator is made, for good; a platform has no password."""

import io
import sys

import psycopg
import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from knox.models import AuthToken

from accounts.errors import EmailTaken, PlatformHasNoPassword
from accounts.models import OperatorKind, Role, SupportAction, User
from accounts.services import create_operator, set_password
from core.unit_of_work import unit_of_work
from tests.factories import UserFactory, a_client, a_staff_member, an_operator, api_of
from tests.hashing import hashed
from tests.http_client import Api
from tests.jobs import run_jobs
from tests.support.admin_session import CUSTOMERS, WALLETS, admin_session_of

pytestmark = pytest.mark.usefixtures("books")

PASSWORD, NEW = "correct-horse-7", "battery-staple-9"
EMAIL = "ops@example.com"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = PASSWORD) -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed + "\n"))
    printed = io.StringIO()
    call_command("create_operator", EMAIL, *arguments, stdout=printed)
    return printed.getvalue()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [((), OperatorKind.PLATFORM), (("--set-password",), OperatorKind.STAFF)],
)
def test_the_password_decides_what_an_operator_is(
    arguments: tuple[str, ...], kind: OperatorKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = run(monkeypatch, *arguments)

    user = User.objects.get()
    assert (user.role, user.operator_kind) == (Role.OPERATOR, kind)
    assert (user.is_staff, user.is_platform) == (kind == "staff", kind == "platform")
    assert user.has_usable_password() == user.is_staff
    assert f", {kind}, until " in printed


def test_a_platform_is_given_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    token = run(monkeypatch).split()[-1]
    before = User.objects.get()

    with pytest.raises(CommandError, match="never has a password"):
        run(monkeypatch, "--set-password")

    # Its token lives, and nothing is on record
    assert User.objects.get().password == before.password
    assert Api(token).get("/processor/status").status == 200
    assert AuthToken.objects.count() == 1
    assert not SupportAction.objects.exists()


def test_a_new_token_of_staff_leaves_password_and_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(monkeypatch, "--set-password").split()[-1]

    printed = run(monkeypatch)

    assert ", staff, until " in printed
    assert User.objects.get().check_password(PASSWORD)
    for token in (first, printed.split()[-1]):
        assert Api(token).get("/processor/status").status == 200


def test_no_way_gives_a_platform_a_password_or_lets_it_log_in(api: Api) -> None:
    platform = an_operator()
    as_platform, stored = api_of(platform), User.objects.get().password
    browser = Client()

    logged_in = [
        api.post(f"/{role}/login", {"email": platform.email, "password": stored})
        for role in ("client", "company")
    ]
    changed = [
        as_platform.post(f"/{role}/password", {"current_password": stored, "new_password": NEW})
        for role in ("client", "company")
    ]
    reset = api.post("/password/reset", {"email": platform.email})
    run_jobs()
    browser.post("/admin/login/", {"username": platform.email, "password": stored})
    with pytest.raises(PlatformHasNoPassword):
        unit_of_work(lambda: set_password(platform, NEW))

    assert {reply.code for reply in (*logged_in, *changed)} == {"invalid_credentials"}
    assert (reset.status, mail.outbox) == (202, [])
    assert browser.get(WALLETS).status_code == 302
    assert User.objects.get().password == stored


def test_a_platform_with_a_session_does_not_enter_the_admin() -> None:
    platform, staff = an_operator(), a_staff_member()

    as_platform, as_staff = admin_session_of(platform), admin_session_of(staff)

    assert as_platform.get(WALLETS).status == 302
    assert as_staff.get(WALLETS).status == 200
    # And the admin shows which is which
    assert "platform" in as_staff.get(f"{CUSTOMERS}{platform.pk}/change/").text
    rows = as_staff.get(CUSTOMERS).text
    assert "platform" in rows
    assert "staff" in rows


@pytest.mark.parametrize(
    "assignment",
    [
        "operator_kind = 'staff'",
        "operator_kind = NULL",
        "role = 'client', operator_kind = NULL",
        "password = 'argon2$x'",
    ],
)
def test_the_database_keeps_a_platform_what_it_is(assignment: str, owner_dsn: str) -> None:
    platform = an_operator()

    with psycopg.connect(owner_dsn) as owner, pytest.raises(psycopg.IntegrityError):
        owner.execute(f"UPDATE accounts_user SET {assignment}")

    kept = User.objects.get()
    assert (kept.role, kept.operator_kind, kept.password) == (
        Role.OPERATOR,
        OperatorKind.PLATFORM,
        platform.password,
    )


@pytest.mark.parametrize("kind", [*OperatorKind, "else"])
def test_the_database_knows_no_kind_of_a_client(kind: str) -> None:
    with pytest.raises(IntegrityError):
        UserFactory.create(role=Role.CLIENT, operator_kind=kind)

    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("password", "kind"), [("!x", OperatorKind.PLATFORM), (PASSWORD, OperatorKind.STAFF)]
)
def test_an_operator_that_the_release_before_makes_has_a_kind(
    password: str, kind: OperatorKind
) -> None:
    user = UserFactory.build(role=Role.OPERATOR, password=password)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_user (id, email, role, password, is_active, is_superuser,"
            " created_at) VALUES (%s, %s, 'operator', %s, true, false, now())",
            [user.pk, user.email, password if password.startswith("!") else hashed(password)],
        )

    assert User.objects.get().operator_kind == kind


@pytest.mark.parametrize(
    "command", [("createsuperuser", "--noinput", "--email", EMAIL), ("changepassword", EMAIL)]
)
def test_djangos_commands_for_passwords_refuse(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = UserFactory.create(role=Role.OPERATOR, email=EMAIL, password=hashed(PASSWORD))
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "x")

    with pytest.raises(CommandError, match=r"manage\.py create_operator EMAIL --set-password"):
        call_command(*command)

    assert User.objects.get().password == staff.password


@pytest.mark.parametrize("weak", ["x", "12345678", EMAIL])
def test_create_operator_takes_no_weak_password(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError):
        run(monkeypatch, "--set-password", typed=weak)

    assert not User.objects.exists()


def test_a_client_does_not_become_an_operator() -> None:
    client = a_client().user

    for password in (None, PASSWORD):
        with pytest.raises(EmailTaken):
            unit_of_work(lambda: create_operator(client.email, password))  # noqa: B023

    assert User.objects.get().role == Role.CLIENT
