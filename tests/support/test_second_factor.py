"""The second factor: set-up, verification, throttling, backup codes and reset."""

import base64
import html
import re
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from accounts.models import Action, Role, SupportAction, User
from core.unit_of_work import unit_of_work
from support.second_factor import get_or_create_device
from tests.factories import UserFactory, a_client, a_staff_member
from tests.hashing import hashed
from tests.races import race
from tests.support.admin_session import (
    CUSTOMERS,
    TRANSACTIONS,
    WALLETS,
    AdminSession,
    Page,
    admin_session_of,
)

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"
LOG_IN = "/admin/login/"
ASK = "/admin/second-factor/"
SET_UP = "/admin/second-factor/set-up/"
CODES = "/admin/second-factor/codes/"


@pytest.fixture
def _required(settings: Settings) -> None:
    settings.ADMIN_NEEDS_SECOND_FACTOR = True


def code_of(user: User, *, later: int = 0) -> str:
    """Return the TOTP code of now, or of `later` steps from now."""
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, drift=later):06d}"


def set_up(admin: AdminSession, user: User) -> list[str]:
    """Set the second factor up and return the backup codes."""
    admin.get(SET_UP)
    page = admin.post(SET_UP, code=code_of(user))
    codes: list[str] = page.response.context["codes"]
    return codes


def is_logged_in(admin: AdminSession) -> bool:
    return bool(admin.client.get(WALLETS).status_code == 200)


def actions(user: User) -> list[str]:
    done = SupportAction.objects.filter(subject_id=str(user.pk)).order_by("id")
    return list(done.values_list("action", flat=True))


@pytest.mark.usefixtures("_required")
def test_the_password_alone_is_not_enough() -> None:
    user = UserFactory.create(role=Role.OPERATOR, password=hashed(PASSWORD))
    client = Client()

    logged_in = client.post(LOG_IN, {"username": user.email, "password": PASSWORD}, follow=True)

    assert Page(logged_in).text.count("authenticator app") == 1
    assert logged_in.redirect_chain[-1][0].startswith(SET_UP)
    for url in ("/admin/", WALLETS, CUSTOMERS, TRANSACTIONS, CODES, "/admin/password_change/"):
        answer = client.get(url)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, LOG_IN), url


@pytest.mark.usefixtures("_required")
def test_set_up_logs_in_and_the_next_log_in_needs_a_code() -> None:
    user = a_staff_member()
    admin = admin_session_of(user)

    codes = set_up(admin, user)
    inside = is_logged_in(admin)
    later = admin_session_of(user)
    asked = later.get("/admin/")
    before = is_logged_in(later)
    later.post(f"{ASK}?next={WALLETS}", code=code_of(user, later=1))

    assert inside
    assert len(set(codes)) == 10
    assert (asked.status, before, is_logged_in(later)) == (302, False, True)
    assert actions(user) == [
        Action.SECOND_FACTOR_SET_UP,
        Action.BACKUP_CODES_MADE,
        Action.SECOND_FACTOR_PASSED,
    ]


def test_the_set_up_shows_a_qr_code_and_the_secret(operator: User, admin: AdminSession) -> None:
    page = admin.get(SET_UP)

    device = TOTPDevice.objects.get(user=operator)
    assert device.config_url.startswith("otpauth://totp/Wallet%20Service")
    assert "data:image/svg+xml;charset=utf-8," in page.response.content.decode()
    assert base64.b32encode(device.bin_key).decode() in page.text.replace(" ", "")
    assert "no-store" in page.response.headers["Cache-Control"]


def test_concurrent_set_ups_create_one_device(operator: User, admin: AdminSession) -> None:
    devices = race(6, lambda _: unit_of_work(lambda: get_or_create_device(operator)))

    assert len({device.pk for device in devices}) == TOTPDevice.objects.count() == 1
    assert admin.get(SET_UP).status == 200


@pytest.mark.usefixtures("_required")
def test_several_unconfirmed_devices_break_no_page() -> None:
    user = a_staff_member()
    for _ in range(2):
        TOTPDevice.objects.create(user=user, confirmed=False, name="Phone")
    admin = admin_session_of(user)

    shown = admin.get(SET_UP)
    first = TOTPDevice.objects.earliest("pk")
    admin.post(SET_UP, code=f"{totp(first.bin_key):06d}")

    assert shown.status == 200
    assert is_logged_in(admin)


@pytest.mark.usefixtures("_required")
def test_a_wrong_first_code_confirms_no_device() -> None:
    user = a_staff_member()
    admin = admin_session_of(user)
    admin.get(SET_UP)

    page = admin.post(SET_UP, code="000000" if code_of(user) != "000000" else "000001")

    assert page.errors("code")
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert not is_logged_in(admin)


@pytest.mark.usefixtures("_required")
def test_a_code_is_valid_once_and_wrong_codes_are_throttled() -> None:
    user = a_staff_member()
    set_up(admin_session_of(user), user)
    first, second, third = (admin_session_of(user) for _ in range(3))
    code = code_of(user, later=1)

    first.post(ASK, code=code)
    second.post(ASK, code=code)
    third.post(ASK, code="nonsense")
    too_soon = third.post(ASK, code=code_of(user))

    assert [is_logged_in(admin) for admin in (first, second, third)] == [True, False, False]
    assert too_soon.errors("code")
    assert actions(user).count(Action.SECOND_FACTOR_FAILED) == 3


@pytest.mark.usefixtures("_required")
def test_attempts_are_limited_per_account(settings: Settings) -> None:
    user = a_staff_member()
    set_up(admin_session_of(user), user)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "code_account": "2/d"}

    pages = [admin_session_of(user).post(ASK, code="nonsense") for _ in range(4)]

    assert "Too many requests" in pages[-1].text
    assert actions(user).count(Action.SECOND_FACTOR_FAILED) <= 2


@pytest.mark.usefixtures("_required")
def test_each_backup_code_is_valid_once() -> None:
    user = a_staff_member()
    codes = set_up(admin_session_of(user), user)
    first, second = admin_session_of(user), admin_session_of(user)

    first.post(ASK, code=f" {codes[0].upper()} ")
    second.post(ASK, code=codes[0])

    assert (is_logged_in(first), is_logged_in(second)) == (True, False)
    assert StaticToken.objects.count() == 9


def test_new_backup_codes_replace_the_old_ones(operator: User, admin: AdminSession) -> None:
    old = set_up(admin, operator)

    page = admin.get(CODES)
    new: list[str] = admin.post(CODES).response.context["codes"]

    assert not page.response.context["codes"]
    assert set(new).isdisjoint(old)
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(new)


@pytest.mark.usefixtures("_required")
def test_a_password_alone_cannot_replace_the_second_factor() -> None:
    user = a_staff_member()
    set_up(admin_session_of(user), user)
    stolen_session = admin_session_of(user)

    pages = [
        stolen_session.get(SET_UP),
        stolen_session.post(SET_UP, code="123456"),
        stolen_session.post(CODES),
    ]

    assert [page.response.request["PATH_INFO"] for page in pages[1:]] == [ASK, ASK]
    assert TOTPDevice.objects.count() == 1
    assert not is_logged_in(stolen_session)


def test_where_it_is_optional_users_with_a_device_need_a_code(
    operator: User, admin: AdminSession
) -> None:
    before = is_logged_in(admin)
    set_up(admin, operator)

    assert (before, is_logged_in(admin), is_logged_in(admin_session_of(operator))) == (
        True,
        True,
        False,
    )


@pytest.mark.usefixtures("_required")
def test_the_next_url_is_never_on_another_host() -> None:
    user = a_staff_member()
    set_up(admin_session_of(user), user)
    client = admin_session_of(user).client

    answer = client.post(f"{ASK}?next=https://evil.example/", {"code": code_of(user, later=1)})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("url", [ASK, SET_UP, CODES])
def test_forms_need_a_csrf_token(operator: User, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(url, {"code": "123456"}).status_code == 403
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


@pytest.mark.parametrize("url", [ASK, SET_UP])
def test_clients_and_anonymous_users_are_redirected_to_the_log_in(url: str) -> None:
    anonymous, client = Client(), Client()
    client.force_login(a_client().user)

    for each in (anonymous, client):
        assert each.get(url).headers["Location"] == LOG_IN
        assert each.post(url, {"code": "123456"}).headers["Location"] == LOG_IN
    assert not TOTPDevice.objects.exists()


@pytest.mark.usefixtures("_required")
def test_log_out_works_without_a_code() -> None:
    admin = admin_session_of(a_staff_member())

    admin.post(ASK, log_out="1")

    assert "_auth_user_id" not in admin.client.session


def test_another_operator_resets_it_with_a_reason(admin: AdminSession, operator: User) -> None:
    colleague = a_staff_member()
    desk_of_colleague = admin_session_of(colleague)
    set_up(desk_of_colleague, colleague)
    url = f"{CUSTOMERS}{colleague.pk}/reset-second-factor/"

    without = admin.post(url, reason=" ")
    still_there = TOTPDevice.objects.filter(user=colleague).exists()
    with_one = admin.post(url, reason="The phone fell into the sea")

    assert without.errors("reason")
    assert still_there
    assert "The second factor is reset." in with_one.text
    assert not TOTPDevice.objects.filter(user=colleague).exists()
    assert not StaticToken.objects.exists()
    action = SupportAction.objects.get(action=Action.SECOND_FACTOR_RESET)
    assert (action.actor_id, action.reason) == (operator.pk, "The phone fell into the sea")


def test_ones_own_and_a_clients_cannot_be_reset(admin: AdminSession, operator: User) -> None:
    set_up(admin, operator)
    own = f"{CUSTOMERS}{operator.pk}/reset-second-factor/"
    clients = f"{CUSTOMERS}{a_client().user.pk}/reset-second-factor/"

    assert admin.post(own, reason="I want to").status == 403
    assert admin.post(clients, reason="I want to").status == 404
    assert TOTPDevice.objects.filter(user=operator).exists()


def test_a_command_resets_it(operator: User, admin: AdminSession) -> None:
    set_up(admin, operator)

    call_command("reset_second_factor", operator.email, reason="Lost", stdout=StringIO())

    assert not TOTPDevice.objects.exists()
    assert actions(operator)[-1] == Action.SECOND_FACTOR_RESET


@pytest.mark.parametrize(("email", "reason"), [("nobody@example.com", "Lost"), (None, " ")])
def test_the_command_needs_an_operator_and_a_reason(
    operator: User, admin: AdminSession, email: str | None, reason: str
) -> None:
    set_up(admin, operator)

    with pytest.raises(CommandError):
        call_command("reset_second_factor", email or operator.email, reason=reason)

    assert TOTPDevice.objects.exists()


@pytest.mark.parametrize("page", ["otp_totp/totpdevice", "otp_static/staticdevice"])
def test_secrets_have_no_page(operator: User, page: str, owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("UPDATE accounts_user SET is_superuser = true WHERE id = %s", [operator.pk])

    assert admin_session_of(operator).get(f"/admin/{page}/").status == 404


def code_field(page: Page) -> str:
    [field] = re.findall(r'<input[^>]*name="code"[^>]*>', page.response.content.decode())
    return str(field)


def test_a_phone_shows_its_numeric_keypad_for_a_code(operator: User, admin: AdminSession) -> None:
    fields = [code_field(admin.get(SET_UP))]
    set_up(admin, operator)
    fields.append(code_field(admin_session_of(operator).get(ASK)))

    for field in fields:
        assert 'inputmode="numeric"' in field
        assert 'autocomplete="one-time-code"' in field


def test_a_backup_code_has_letters_and_a_field_for_them(
    operator: User, admin: AdminSession
) -> None:
    codes, later = set_up(admin, operator), admin_session_of(operator)

    asked = later.get(ASK, next=WALLETS)
    by_backup_code = f"{ASK}?backup=1&next={WALLETS}"
    field = code_field(later.get(by_backup_code))
    passed = later.post(by_backup_code, code=codes[0])

    assert html.escape(by_backup_code.removeprefix(ASK)) in asked.response.content.decode()
    assert "numeric" not in field
    assert passed.response.redirect_chain[-1][0] == WALLETS


def test_the_set_up_has_a_way_back_where_it_is_not_required(admin: AdminSession) -> None:
    offered = f"{SET_UP}?next={WALLETS}"

    assert f'href="{WALLETS}">Not now</a>' in admin.get(offered).response.content.decode()
    assert 'href="/admin/">Back</a>' in admin.get(CODES).response.content.decode()


@pytest.mark.usefixtures("_required")
def test_the_set_up_has_no_way_round_where_it_is_required() -> None:
    page = admin_session_of(a_staff_member()).get(SET_UP)

    assert "Not now" not in page.text
    assert "Log out" in page.text
