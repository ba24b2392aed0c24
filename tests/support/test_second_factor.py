"""The second factor: set up once, asked for ever after, reset by others, and never guessed."""

import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from accounts.models import Action, Role, SupportAction, User
from core.unit_of_work import unit_of_work
from support.second_factor import device_to_set_up
from tests.factories import UserFactory, a_client, an_operator
from tests.hashing import hashed
from tests.races import race
from tests.support.desk import CUSTOMERS, TRANSACTIONS, WALLETS, Desk, Page, desk_of

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"
LOG_IN = "/admin/login/"
ASK = "/admin/second-factor/"
SET_UP = "/admin/second-factor/set-up/"
CODES = "/admin/second-factor/codes/"


@pytest.fixture
def _needed(settings: Settings) -> None:
    settings.ADMIN_NEEDS_SECOND_FACTOR = True


def code_of(user: User, *, later: int = 0) -> str:
    """Return what the user's phone shows now, or will show so many steps later."""
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, drift=later):06d}"


def set_up(desk: Desk, user: User) -> list[str]:
    """Set the second factor up and return the backup codes."""
    desk.get(SET_UP)
    page = desk.post(SET_UP, code=code_of(user))
    codes: list[str] = page.response.context["codes"]
    return codes


def is_inside(desk: Desk) -> bool:
    return bool(desk.client.get(WALLETS).status_code == 200)


def actions(user: User) -> list[str]:
    done = SupportAction.objects.filter(subject_id=str(user.pk)).order_by("id")
    return list(done.values_list("action", flat=True))


@pytest.mark.usefixtures("_needed")
def test_by_the_password_alone_nobody_gets_in() -> None:
    user = UserFactory.create(role=Role.OPERATOR, password=hashed(PASSWORD))
    client = Client()

    logged_in = client.post(LOG_IN, {"username": user.email, "password": PASSWORD}, follow=True)

    assert Page(logged_in).text.count("authenticator app") == 1
    assert logged_in.redirect_chain[-1][0].startswith(SET_UP)
    for url in ("/admin/", WALLETS, CUSTOMERS, TRANSACTIONS, CODES, "/admin/password_change/"):
        answer = client.get(url)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, LOG_IN), url


@pytest.mark.usefixtures("_needed")
def test_what_is_set_up_lets_in_and_is_asked_for_the_next_time() -> None:
    user = an_operator()
    desk = desk_of(user)

    codes = set_up(desk, user)
    inside = is_inside(desk)
    later = desk_of(user)
    asked = later.get("/admin/")
    before = is_inside(later)
    later.post(f"{ASK}?next={WALLETS}", code=code_of(user, later=1))

    assert inside
    assert len(set(codes)) == 10
    assert (asked.status, before, is_inside(later)) == (302, False, True)
    assert actions(user) == [
        Action.SECOND_FACTOR_SET_UP,
        Action.BACKUP_CODES_MADE,
        Action.SECOND_FACTOR_PASSED,
    ]


def test_a_phone_scans_what_can_be_typed_too(operator: User, desk: Desk) -> None:
    page = desk.get(SET_UP)

    device = TOTPDevice.objects.get(user=operator)
    assert device.config_url.startswith("otpauth://totp/Wallet%20Service")
    assert "data:image/svg+xml;base64," in page.response.content.decode()
    assert base64.b32encode(device.bin_key).decode() in page.text.replace(" ", "")
    assert "no-store" in page.response.headers["Cache-Control"]


def test_several_pages_at_once_set_up_one_device(operator: User, desk: Desk) -> None:
    devices = race(6, lambda _: unit_of_work(lambda: device_to_set_up(operator)))

    assert len({device.pk for device in devices}) == TOTPDevice.objects.count() == 1
    assert desk.get(SET_UP).status == 200


@pytest.mark.usefixtures("_needed")
def test_several_devices_that_wait_break_no_page() -> None:
    user = an_operator()
    for _ in range(2):
        TOTPDevice.objects.create(user=user, confirmed=False, name="Phone")
    desk = desk_of(user)

    shown = desk.get(SET_UP)
    first = TOTPDevice.objects.earliest("pk")
    desk.post(SET_UP, code=f"{totp(first.bin_key):06d}")

    assert shown.status == 200
    assert is_inside(desk)


@pytest.mark.usefixtures("_needed")
def test_a_wrong_first_code_sets_nothing_up() -> None:
    user = an_operator()
    desk = desk_of(user)
    desk.get(SET_UP)

    page = desk.post(SET_UP, code="000000" if code_of(user) != "000000" else "000001")

    assert page.errors("code")
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert not is_inside(desk)


@pytest.mark.usefixtures("_needed")
def test_a_code_lets_in_once_and_guesses_make_the_right_one_wait() -> None:
    user = an_operator()
    set_up(desk_of(user), user)
    first, second, third = (desk_of(user) for _ in range(3))
    code = code_of(user, later=1)

    first.post(ASK, code=code)
    second.post(ASK, code=code)
    third.post(ASK, code="nonsense")
    too_soon = third.post(ASK, code=code_of(user))

    assert [is_inside(desk) for desk in (first, second, third)] == [True, False, False]
    assert too_soon.errors("code")
    assert actions(user).count(Action.SECOND_FACTOR_FAILED) == 3


@pytest.mark.usefixtures("_needed")
def test_tries_are_limited_per_account(settings: Settings) -> None:
    user = an_operator()
    set_up(desk_of(user), user)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_account": "2/d"}

    pages = [desk_of(user).post(ASK, code="nonsense") for _ in range(4)]

    assert "Too many requests" in pages[-1].text
    assert actions(user).count(Action.SECOND_FACTOR_FAILED) <= 2


@pytest.mark.usefixtures("_needed")
def test_each_backup_code_lets_in_once() -> None:
    user = an_operator()
    codes = set_up(desk_of(user), user)
    first, second = desk_of(user), desk_of(user)

    first.post(ASK, code=f" {codes[0].upper()} ")
    second.post(ASK, code=codes[0])

    assert (is_inside(first), is_inside(second)) == (True, False)
    assert StaticToken.objects.count() == 9


def test_new_backup_codes_void_the_old_ones(operator: User, desk: Desk) -> None:
    old = set_up(desk, operator)

    looked_at = desk.get(CODES)
    new: list[str] = desk.post(CODES).response.context["codes"]

    assert not looked_at.response.context["codes"]
    assert set(new).isdisjoint(old)
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(new)


@pytest.mark.usefixtures("_needed")
def test_a_password_alone_cannot_replace_the_second_factor() -> None:
    user = an_operator()
    set_up(desk_of(user), user)
    thief = desk_of(user)

    pages = [thief.get(SET_UP), thief.post(SET_UP, code="123456"), thief.post(CODES)]

    assert [page.response.request["PATH_INFO"] for page in pages[1:]] == [ASK, ASK]
    assert TOTPDevice.objects.count() == 1
    assert not is_inside(thief)


def test_where_it_is_not_needed_it_is_asked_of_who_has_one(operator: User, desk: Desk) -> None:
    before = is_inside(desk)
    set_up(desk, operator)

    assert (before, is_inside(desk), is_inside(desk_of(operator))) == (True, True, False)


@pytest.mark.usefixtures("_needed")
def test_where_it_leads_is_never_elsewhere() -> None:
    user = an_operator()
    set_up(desk_of(user), user)
    client = desk_of(user).client

    answer = client.post(f"{ASK}?next=https://evil.example/", {"code": code_of(user, later=1)})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("url", [ASK, SET_UP, CODES])
def test_forms_want_their_own_token(operator: User, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(url, {"code": "123456"}).status_code == 403
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


@pytest.mark.parametrize("url", [ASK, SET_UP])
def test_clients_and_strangers_are_sent_to_the_log_in(url: str) -> None:
    stranger, client = Client(), Client()
    client.force_login(a_client().user)

    for each in (stranger, client):
        assert each.get(url).headers["Location"] == LOG_IN
        assert each.post(url, {"code": "123456"}).headers["Location"] == LOG_IN
    assert not TOTPDevice.objects.exists()


@pytest.mark.usefixtures("_needed")
def test_who_cannot_go_on_can_log_out() -> None:
    desk = desk_of(an_operator())

    desk.post(ASK, leave="1")

    assert "_auth_user_id" not in desk.client.session


def test_a_colleague_resets_it_with_a_reason(desk: Desk, operator: User) -> None:
    colleague = an_operator()
    desk_of_colleague = desk_of(colleague)
    set_up(desk_of_colleague, colleague)
    url = f"{CUSTOMERS}{colleague.pk}/reset-second-factor/"

    without = desk.post(url, reason=" ")
    still_there = TOTPDevice.objects.filter(user=colleague).exists()
    with_one = desk.post(url, reason="The phone fell into the sea")

    assert without.errors("reason")
    assert still_there
    assert "The second factor is reset." in with_one.text
    assert not TOTPDevice.objects.filter(user=colleague).exists()
    assert not StaticToken.objects.exists()
    action = SupportAction.objects.get(action=Action.SECOND_FACTOR_RESET)
    assert (action.actor_id, action.reason) == (operator.pk, "The phone fell into the sea")


def test_nobody_resets_their_own_nor_a_clients(desk: Desk, operator: User) -> None:
    set_up(desk, operator)
    own = f"{CUSTOMERS}{operator.pk}/reset-second-factor/"
    clients = f"{CUSTOMERS}{a_client().user.pk}/reset-second-factor/"

    assert desk.post(own, reason="I want to").status == 403
    assert desk.post(clients, reason="I want to").status == 404
    assert TOTPDevice.objects.filter(user=operator).exists()


def test_a_command_resets_it(operator: User, desk: Desk) -> None:
    set_up(desk, operator)

    call_command("reset_second_factor", operator.email, reason="Lost", stdout=StringIO())

    assert not TOTPDevice.objects.exists()
    assert actions(operator)[-1] == Action.SECOND_FACTOR_RESET


@pytest.mark.parametrize(("email", "reason"), [("nobody@example.com", "Lost"), (None, " ")])
def test_the_command_wants_an_operator_and_a_reason(
    operator: User, desk: Desk, email: str | None, reason: str
) -> None:
    set_up(desk, operator)

    with pytest.raises(CommandError):
        call_command("reset_second_factor", email or operator.email, reason=reason)

    assert TOTPDevice.objects.exists()


@pytest.mark.parametrize("page", ["otp_totp/totpdevice", "otp_static/staticdevice"])
def test_nobody_looks_at_secrets(operator: User, page: str) -> None:
    User.objects.filter(pk=operator.pk).update(is_superuser=True)

    assert desk_of(operator).get(f"/admin/{page}/").status == 404
