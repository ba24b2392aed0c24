"""Log-in: who gets a token, and that a refusal does not reveal whether an account exists."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import Role, User
from tests.factories import ClientFactory, CompanyFactory, UserFactory, a_client
from tests.hashing import count_hashes, hashed
from tests.http_client import Api, Reply

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"


@pytest.mark.parametrize(
    ("role", "path", "id_field"),
    [(Role.CLIENT, "/client/login", "customer"), (Role.COMPANY, "/company/login", "company")],
)
def test_log_in_gives_a_token(api: Api, role: Role, path: str, id_field: str) -> None:
    user = _a_user(role)

    reply = _log_in(api, path)

    assert reply.status == 200
    assert set(reply.json) == {"token", "expiry", id_field}
    assert reply.json[id_field] == str(user.pk)
    assert reply.json["expiry"].endswith("Z")
    assert api.as_(reply.json["token"]).get("/wallet/list").status == 200


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.Com"])
def test_email_is_compared_without_regard_to_case(api: Api, email: str) -> None:
    _a_user()

    assert _log_in(api, email=email).status == 200


@pytest.mark.parametrize(
    "password",
    ["wrong", "correct-horse-8", "Correct-Horse-7", " correct-horse-7", "correct-horse-7 ", "!"],
)
def test_wrong_password(api: Api, password: str) -> None:
    _a_user()

    reply = _log_in(api, password=password)

    assert (reply.status, reply.code) == (401, "invalid_credentials")
    assert "WWW-Authenticate" in reply.headers
    assert not AuthToken.objects.exists()


def test_wrong_password_and_unknown_email_get_the_same_answer(api: Api) -> None:
    _a_user()

    wrong = _log_in(api, password="wrong-password")
    unknown = _log_in(api, email="nobody@example.com")

    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert _stable_body(wrong) == _stable_body(unknown)
    assert set(wrong.headers) == set(unknown.headers)


def test_wrong_password_and_unknown_email_cost_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _a_user()
    UserFactory.create(email="without@example.com")
    UserFactory.create(email="erased@example.com", is_active=False)
    hashes = count_hashes(monkeypatch)
    costs = []

    for email in ("ada", "nobody", "without", "erased"):
        before = len(hashes)
        reply = _log_in(api, email=f"{email}@example.com", password="wrong-password")
        costs.append((reply.status, len(hashes) - before))

    assert costs == [(401, 1)] * 4


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.CLIENT, "/company/login"),
        (Role.COMPANY, "/client/login"),
        (Role.OPERATOR, "/client/login"),
        (Role.OPERATOR, "/company/login"),
    ],
)
def test_wrong_role_is_revealed_only_with_the_right_password(
    api: Api, role: Role, path: str
) -> None:
    _a_user(role)

    right = _log_in(api, path)
    wrong = _log_in(api, path, password="wrong-password")

    assert (right.status, right.code) == (403, "permission_denied")
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert not AuthToken.objects.exists()


def test_erased_account_cannot_log_in(api: Api) -> None:
    user = _a_user()
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert _log_in(api).code == "invalid_credentials"


def test_several_sessions_are_valid_at_the_same_time(api: Api) -> None:
    _a_user()

    tokens = [_log_in(api).json["token"] for _ in range(3)]

    assert len(set(tokens)) == 3
    assert [api.as_(token).get("/wallet/list").status for token in tokens] == [200] * 3


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"email": ...}, {"email"}),
        ({"password": ...}, {"password"}),
        ({"email": "ada"}, {"email"}),
        ({"email": None}, {"email"}),
        ({"email": 5}, {"email"}),
        ({"password": 5}, {"password"}),
        ({"password": None}, {"password"}),
        ({"password": ""}, {"password"}),
        ({"password": "a\x00b"}, {"password"}),
        ({"remember": True}, {"remember"}),
    ],
)
def test_invalid_body(api: Api, changes: dict[str, Any], fields: set[str]) -> None:
    _a_user()
    body = {"email": "ada@example.com", "password": PASSWORD, **changes}

    reply = api.post(
        "/client/login", {name: value for name, value in body.items() if value is not ...}
    )

    assert (reply.status, reply.code) == (422, "validation_error")
    assert set(reply.json["details"]) == fields
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize(
    ("left", "status"), [(timedelta(seconds=-1), 401), (timedelta(minutes=1), 200)]
)
def test_token_is_valid_until_it_expires(left: timedelta, status: int) -> None:
    client = a_client()
    AuthToken.objects.update(expiry=timezone.now() + left)

    reply = client.api.get("/wallet/list")

    assert reply.status == status
    if status == 401:
        assert reply.code == "invalid_token"


def test_token_of_an_erased_account_is_not_valid() -> None:
    client = a_client()
    User.objects.update(is_active=False)

    assert client.api.get("/wallet/list").code == "invalid_token"


def _a_user(role: Role = Role.CLIENT) -> User:
    """Return an account that can log in with `PASSWORD`."""
    user: User = UserFactory.create(email="ada@example.com", role=role, password=hashed(PASSWORD))
    if role == Role.CLIENT:
        ClientFactory.create(user=user)
    if role == Role.COMPANY:
        CompanyFactory.create(user=user)
    return user


def _log_in(
    api: Api,
    path: str = "/client/login",
    *,
    email: str = "ada@example.com",
    password: str = PASSWORD,
) -> Reply:
    return api.post(path, {"email": email, "password": password})


def _stable_body(reply: Reply) -> dict[str, Any]:
    """Return an error's body without the fields that vary from call to call."""
    return {
        name: value for name, value in reply.json.items() if name not in ("timestamp", "requestId")
    }
