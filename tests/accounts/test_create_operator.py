"""`manage.py create_operator EMAIL`: creates an operator and prints its token as the last word."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from knox.models import AuthToken

from accounts.models import Role, User
from tests.factories import a_client
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")


def _create_operator(email: str) -> str:
    """Run the command and return the last word that it prints."""
    printed = StringIO()
    call_command("create_operator", email, stdout=printed)
    return printed.getvalue().split()[-1]


def test_the_last_printed_word_is_an_operators_token(api: Api) -> None:
    token = _create_operator("Ops@Example.com")

    user = User.objects.get()
    assert (user.email, user.role, user.is_superuser) == ("ops@example.com", Role.OPERATOR, False)
    assert api.as_(token).get("/idempotency/k").status == 200
    # An operator's token, and neither a client's nor a company's:
    assert api.as_(token).post("/wallet/create").code == "permission_denied"


@pytest.mark.parametrize("email", ["ops@example.com", "OPS@example.com"])
def test_a_second_run_gives_the_same_operator_another_token(api: Api, email: str) -> None:
    first = _create_operator("ops@example.com")

    second = _create_operator(email)

    assert User.objects.count() == 1
    assert first != second
    for token in (first, second):
        assert api.as_(token).get("/idempotency/k").status == 200


def test_an_operator_without_a_password_cannot_log_in(api: Api) -> None:
    _create_operator("ops@example.com")

    reply = api.post("/client/login", {"email": "ops@example.com", "password": "!"})

    assert (reply.status, reply.code) == (401, "invalid_credentials")


@pytest.mark.parametrize("email", ["", "ops", "ops@", "ops @example.com", "ops@example.com\n"])
def test_invalid_email_address(email: str) -> None:
    with pytest.raises(CommandError, match="email"):
        _create_operator(email)

    assert not User.objects.exists()


def test_email_address_of_a_client_is_refused() -> None:
    client = a_client()
    tokens = AuthToken.objects.count()

    with pytest.raises(CommandError, match="already"):
        _create_operator(client.user.email.upper())

    assert User.objects.get().role == Role.CLIENT
    assert AuthToken.objects.count() == tokens
