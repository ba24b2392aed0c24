"""How many passwords are hashed at once: real threads, and every endpoint that hashes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.tokens import default_token_generator
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from knox.models import AuthToken
from pytest_django import Settings

from accounts import password_hashing
from accounts.models import Role, SupportAction, User
from harness.actors import PERSON
from harness.waiting import wait_until
from tests.factories import ClientFactory, UserFactory, api_of
from tests.hashing import count_hashes, hashed
from tests.http_client import Api, Reply
from tests.races import race
from tests.support.admin_session import admin_session_of

pytestmark = pytest.mark.usefixtures("books")

PASSWORD, NEW = "correct-horse-7", "battery-staple-9"
BUSY = "Too many passwords are being checked right now"


@pytest.fixture
def user() -> User:
    user = UserFactory.create(email="ada@example.com", password=hashed(PASSWORD))
    ClientFactory.create(user=user)
    return user


@contextmanager
def every_turn_taken() -> Iterator[None]:
    """Let other requests hash all the time."""
    for _ in range(password_hashing.HASHES_AT_ONCE):
        assert password_hashing._turns.take(before_wait=pytest.fail)
    try:
        yield
    finally:
        for _ in range(password_hashing.HASHES_AT_ONCE):
            password_hashing._turns.give_back()


def log_in(email: str = "ada@example.com") -> Reply:
    return Api().post("/client/login", {"email": email, "password": PASSWORD})


def change(user: User) -> Reply:
    body = {"current_password": PASSWORD, "new_password": NEW}
    return api_of(user).post("/client/password", body)


def sign_up(email: str) -> Reply:
    return Api().post("/client/signup", {"email": email, "password": PASSWORD, "client": PERSON})


def reset(user: User) -> Reply:
    token = default_token_generator.make_token(user)
    body = {"uid": str(user.pk), "token": token, "new_password": NEW}
    return Api().post("/password/reset/confirm", body)


def test_only_a_few_passwords_are_hashed_at_once(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a hasher that notes how many hash
    at_once: list[int] = []
    running: set[int] = set()
    hash_password = Argon2PasswordHasher.verify

    def verify(self: Argon2PasswordHasher, password: str, encoded: str) -> bool:
        running.add(threading.get_ident())
        at_once.append(len(running))
        try:
            return hash_password(self, password, encoded)
        finally:
            running.discard(threading.get_ident())

    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 60)

    # When eight log in at once
    statuses = race(8, lambda _: log_in().status)

    # Then all of them get a token, and no more are hashed at once than is allowed
    assert statuses == [200] * 8
    assert len(at_once) == 8
    assert max(at_once) <= password_hashing.HASHES_AT_ONCE


Endpoint = Callable[[User], Reply]
ENDPOINTS: dict[str, Endpoint] = {
    "sign-up": lambda _user: sign_up("ben@example.com"),
    "log-in": lambda _user: log_in(),
    "log-in of nobody": lambda _user: log_in("nobody@example.com"),
    "password": change,
    "reset": reset,
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_who_waits_too_long_for_a_turn_gets_a_503_and_nothing_is_recorded(
    name: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 0.05)
    hashes = count_hashes(monkeypatch)

    with every_turn_taken():
        refused = ENDPOINTS[name](user)

    # Then the refusal says that nothing happened, and nothing did
    assert (refused.status, refused.code) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert refused.json["message"].startswith(BUSY)
    assert hashes == []
    assert User.objects.get() == user
    assert User.objects.get().password == user.password
    # `change` logs in by a token of its own.
    assert AuthToken.objects.count() == (name == "password")

    # And the same request succeeds afterwards
    assert ENDPOINTS[name](user).status == {"log-in of nobody": 401, "sign-up": 201}.get(
        name, 204 if name in ("password", "reset") else 200
    )


@pytest.mark.parametrize("name", ENDPOINTS)
def test_who_waits_for_a_turn_holds_no_connection(
    name: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 60)
    used: list[BaseDatabaseWrapper] = []

    def call() -> Reply:
        used.append(connections[DEFAULT_DB_ALIAS])
        try:
            return ENDPOINTS[name](user)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with every_turn_taken():
            # When a request waits for its turn
            reply = pool.submit(call)
            wait_until(lambda: password_hashing._turns.waiting == 1)

            # Then it has given back its connection
            wait_until(lambda: used[0].connection is None)
            assert not reply.done()

        # And it goes on when it is its turn
        assert reply.result().status < 500


def test_who_came_first_is_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 60)
    served: list[int] = []

    def take(number: int) -> None:
        with password_hashing._turn():
            served.append(number)

    with ThreadPoolExecutor(5) as pool, every_turn_taken():
        for number in range(5):
            pool.submit(take, number)
            wait_until(lambda it=number: password_hashing._turns.waiting == it + 1)  # type: ignore[misc]
    assert served == [0, 1, 2, 3, 4]


def test_most_threads_stay_for_other_requests(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    # Given as many who wait as may
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 60)
    settings.MOST_WAITING_FOR_HASHES = 2

    def take() -> None:
        with password_hashing._turn():
            pass

    with ThreadPoolExecutor(2) as pool, every_turn_taken():
        waiting = [pool.submit(take) for _ in range(2)]
        wait_until(lambda: password_hashing._turns.waiting == 2)

        # When one more comes, it is refused at once
        refused = log_in()

    assert (refused.status, refused.code) == (503, "unavailable")
    assert [each.result() for each in waiting] == [None, None]


def test_who_breaks_off_waiting_keeps_no_turn() -> None:
    def fail() -> None:
        raise ArithmeticError

    with every_turn_taken(), pytest.raises(ArithmeticError):
        password_hashing._turns.take(before_wait=fail)

    assert password_hashing._turns.waiting == 0
    with every_turn_taken():
        pass


def test_the_admin_says_so_in_its_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 0.05)
    operator = UserFactory.create(role=Role.OPERATOR, password=hashed(PASSWORD))
    session = admin_session_of(operator)
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    credentials = {"username": operator.email, "password": PASSWORD}
    recorded = SupportAction.objects.count()

    with every_turn_taken():
        log_in = Client().post("/admin/login/", credentials)
        change = session.client.post("/admin/password_change/", fields)
    # The old password is checked, and then others are faster.
    monkeypatch.setattr(User, "check_password", lambda *_: True)
    with every_turn_taken():
        late = session.client.post("/admin/password_change/", fields)

    assert [page.status_code for page in (log_in, change, late)] == [200] * 3
    assert all(BUSY in page.content.decode() for page in (log_in, change, late))
    operator.refresh_from_db()
    assert operator.password == hashed(PASSWORD)
    assert SupportAction.objects.count() == recorded


def test_create_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hashing, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{NEW}\n", raising=False)

    with every_turn_taken(), pytest.raises(CommandError, match=BUSY):
        call_command("create_operator", f"{uuid4()}@example.com", set_password=True)

    assert not User.objects.exists()
