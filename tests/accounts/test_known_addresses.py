"""Nobody keeps an account's owner out: an address that knew the password has its own attempts."""

from datetime import timedelta

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from pytest_django import Settings

from accounts.errors import InvalidCredentials
from accounts.known_addresses import KNOWN_FOR, is_known_network
from accounts.models import KnownAddress, OperatorKind, Role, User
from accounts.services import erase, record_log_in, set_password
from core.unit_of_work import unit_of_work
from ops.retention import delete_expired
from tests.clock import Clock
from tests.factories import ClientFactory, UserFactory, api_of
from tests.hashing import hashed
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

EMAIL = "ada@example.com"
PASSWORD = "correct-horse-7"
HOME = "10.0.0.1"


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    """Two a day for each account and address, three for each account."""
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "login_account_address": "2/d",
        "login_account": "3/d",
        "login_address": "1000/d",
        "password_account_address": "2/d",
        "password_account": "3/d",
        "reset_account_address": "2/d",
        "reset_account": "3/d",
        "reset_confirmation": "2/d",
    }


def test_each_address_has_its_own_attempts_at_an_account() -> None:
    an_account()

    guesses = [log_in("10.9.9.9", "wrong").status for _ in range(3)]
    owner = log_in(HOME)

    assert guesses == [401, 401, 429]
    assert owner.status == 200


def test_strangers_at_many_addresses_share_the_accounts_attempts() -> None:
    an_account()

    guesses = [log_in(f"10.9.9.{number}", "wrong").status for number in range(4)]
    owner = log_in(HOME)

    assert guesses == [401] * 3 + [429]
    assert owner.status == 429


@pytest.mark.parametrize("how", ["log-in", "sign-up", "change", "reset"])
def test_who_knew_the_password_gets_in_while_strangers_hammer(how: str) -> None:
    user = an_account()
    password = PASSWORD
    if how == "log-in":
        assert log_in(HOME).status == 200
    if how == "sign-up":
        User.objects.filter(pk=user.pk).update(email="other@example.com")
        profile = {"first_name": "A", "last_name": "L", "phone_number": "+34666666666"}
        body = {"email": EMAIL, "password": PASSWORD, "client": profile}
        assert at(HOME).post("/client/signup", body).status == 201
    if how == "change":
        password = "battery-staple-9"
        body = {"current_password": PASSWORD, "new_password": password}
        assert api_at(user, HOME).post("/client/password", body).status == 204
    if how == "reset":
        password = "battery-staple-9"
        assert confirm_reset(user, HOME, password).status == 204

    guesses = [log_in(f"10.9.9.{number}", "wrong").status for number in range(4)]
    owner = [log_in(HOME, password).status for _ in range(3)]

    assert (set(guesses), guesses[-1]) == ({401, 429}, 429)
    # Its own attempts are limited as everybody's.
    assert (owner[0], owner[-1]) == (200, 429)


def test_a_known_address_is_a_network_of_ipv6() -> None:
    an_account()
    assert log_in("2001:db8::1").status == 200
    strangers()

    assert log_in("2001:db8::2").status == 200
    assert log_in("2001:db8:0:1::1").status == 429


def test_it_is_known_for_this_account_alone() -> None:
    an_account()
    an_account("ben@example.com")
    assert log_in(HOME, email="ben@example.com").status == 200
    strangers()

    assert log_in(HOME).status == 429


@pytest.mark.parametrize(("age", "status"), [(timedelta(minutes=-5), 200), (timedelta(0), 429)])
def test_it_is_known_for_a_month(clock: Clock, age: timedelta, status: int) -> None:
    an_account()
    assert log_in(HOME).status == 200
    clock.move(int((KNOWN_FOR + age).total_seconds()))
    strangers()

    assert log_in(HOME).status == status


def test_what_is_no_longer_known_is_deleted(clock: Clock) -> None:
    an_account()
    log_in(HOME)
    clock.move(int(KNOWN_FOR.total_seconds()) - 300)
    kept = delete_expired().addresses
    clock.move(int(KNOWN_FOR.total_seconds()))

    assert (kept, delete_expired().addresses) == (0, 1)
    assert not KnownAddress.objects.exists()


def test_it_is_known_while_the_secret_key_changes(settings: Settings) -> None:
    an_account()
    log_in(HOME)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    strangers()

    assert log_in(HOME).status == 200


@pytest.mark.parametrize("how", ["change", "reset"])
def test_who_knew_the_old_password_is_a_stranger(how: str) -> None:
    user = an_account()
    log_in("10.6.6.6")

    if how == "change":
        body = {"current_password": PASSWORD, "new_password": "battery-staple-9"}
        assert api_at(user, HOME).post("/client/password", body).status == 204
    else:
        assert confirm_reset(user, HOME, "battery-staple-9").status == 204

    assert KnownAddress.objects.count() == 1
    strangers()
    assert log_in("10.6.6.6", "battery-staple-9").status == 429


def test_addresses_are_kept_as_digests_and_erased_with_the_account() -> None:
    user = an_account()
    log_in(HOME)
    [known] = KnownAddress.objects.all()
    assert HOME.encode() not in bytes(known.digest)
    assert len(bytes(known.digest)) == 32

    unit_of_work(lambda: erase(user))

    assert not KnownAddress.objects.exists()


def test_a_wrong_password_makes_no_address_known() -> None:
    an_account()

    log_in(HOME, "wrong")
    log_in(HOME, path="/company/login")

    assert not KnownAddress.objects.exists()


def test_the_admin_knows_who_logged_in_there() -> None:
    UserFactory.create(
        email=EMAIL,
        role=Role.OPERATOR,
        operator_kind=OperatorKind.STAFF,
        password=hashed(PASSWORD),
    )
    form = {"username": EMAIL, "password": PASSWORD}

    page = Client(REMOTE_ADDR=HOME).post("/admin/login/", form)

    assert page.status_code == 302
    assert is_known_network(account=EMAIL, network=HOME)


def test_a_log_in_by_a_password_that_was_just_changed_makes_no_address_known() -> None:
    user = an_account()
    read_before = User.objects.get(pk=user.pk)
    unit_of_work(lambda: set_password(user, "battery-staple-9"))

    with pytest.raises(InvalidCredentials):
        unit_of_work(lambda: record_log_in(read_before, HOME))

    assert not KnownAddress.objects.exists()


def test_guesses_at_log_in_do_not_count_at_a_change_of_the_password() -> None:
    user = an_account()
    strangers()
    body = {"current_password": PASSWORD, "new_password": "battery-staple-9"}

    assert api_at(user, HOME).post("/client/password", body).status == 204


def test_who_stole_a_token_does_not_keep_its_owner_from_a_new_password() -> None:
    user = an_account()
    log_in(HOME)
    guess = {"current_password": "wrong", "new_password": "battery-staple-9"}
    guesses = [
        api_at(user, f"10.9.9.{number % 3}").post("/client/password", guess).status
        for number in range(6)
    ]
    body = {"current_password": PASSWORD, "new_password": "battery-staple-9"}

    assert 429 in guesses
    assert api_at(user, HOME).post("/client/password", body).status == 204


def test_strangers_do_not_keep_a_known_address_from_a_reset() -> None:
    an_account()
    log_in(HOME)

    def ask(address: str) -> Reply:
        return at(address).post("/password/reset", {"email": EMAIL})

    asked = [ask(f"10.9.9.{number}").status for number in range(4)]

    assert asked == [202, 202, 202, 429]
    assert ask(HOME).status == 202


def test_strangers_who_know_an_id_do_not_keep_its_owner_from_a_new_password() -> None:
    user = an_account()
    wrong = {"uid": str(user.pk), "token": "d1abcd-0", "new_password": "battery-staple-9"}
    guesses = [
        at(f"10.9.9.{number // 3}").post("/password/reset/confirm", wrong).status
        for number in range(9)
    ]

    assert guesses == [422, 422, 429] * 3
    assert confirm_reset(user, HOME, "battery-staple-9").status == 204


def test_strangers_do_not_keep_an_address_from_signing_up(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "signup_account": "1/d"}
    profile = {"first_name": "A", "last_name": "L", "phone_number": "+34666666666"}
    body = {"email": EMAIL, "password": "1", "client": profile}

    refused = [at("10.9.9.9").post("/client/signup", body).status for _ in range(2)]

    assert refused == [422, 429]
    assert at(HOME).post("/client/signup", {**body, "password": PASSWORD}).status == 201


def an_account(email: str = EMAIL) -> User:
    user: User = UserFactory.create(email=email, password=hashed(PASSWORD))
    ClientFactory.create(user=user)
    return user


def at(address: str) -> Api:
    """Return a caller without a token at a network address."""
    return _moved(Api(), address)


def api_at(user: User, address: str) -> Api:
    return _moved(api_of(user), address)


def _moved(api: Api, address: str) -> Api:
    api._client.defaults["REMOTE_ADDR"] = address
    return api


def log_in(
    address: str, password: str = PASSWORD, *, email: str = EMAIL, path: str = "/client/login"
) -> Reply:
    return at(address).post(path, {"email": email, "password": password})


def strangers() -> None:
    """Use up the attempts of all strangers at the account."""
    statuses = [log_in(f"10.8.8.{number}", "wrong").status for number in range(4)]
    assert statuses[-1] == 429


def confirm_reset(user: User, address: str, password: str) -> Reply:
    user.refresh_from_db()
    body = {
        "uid": str(user.pk),
        "token": default_token_generator.make_token(user),
        "new_password": password,
    }
    return at(address).post("/password/reset/confirm", body)
