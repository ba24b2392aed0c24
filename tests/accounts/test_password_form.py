"""Passwords are compared in one form (RFC 8265): NFC, and every space is that of ASCII."""

import unicodedata
from io import StringIO

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command

from accounts.models import Role, User
from core.texts import password_form
from tests.accounts.test_login import _a_user, _log_in
from tests.factories import PHONE, UserFactory, api_of
from tests.hashing import count_hashes
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

NFC = "Übergrößenträger 7"
NFD = unicodedata.normalize("NFD", NFC)
WIDE_SPACE = NFC.replace(" ", "\u3000")


def test_the_form() -> None:
    assert password_form(NFD) == password_form(NFC) == password_form(WIDE_SPACE) == NFC
    # Neither case nor width nor an outer space is changed.
    assert password_form(" \uff21a\t") == " \uff21a\t"


@pytest.mark.parametrize("first", [NFC, NFD, WIDE_SPACE])
def test_a_password_of_sign_up_logs_in_however_it_is_typed(api: Api, first: str) -> None:
    profile = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
    body = {"email": "ada@example.com", "password": first, "client": profile}
    assert api.post("/client/signup", body).status == 201

    statuses = [_log_in(api, password=each).status for each in (NFC, NFD, WIDE_SPACE)]

    assert statuses == [200, 200, 200]


def test_a_change_compares_and_sets_the_form(api: Api) -> None:
    user = _a_user()
    user.set_password(NFC)
    user.save(update_fields=["password"])
    body = {"current_password": NFD, "new_password": NFD + "!"}

    reply = api_of(user).post("/client/password", body)

    assert reply.status == 204
    assert _log_in(api, password=NFC + "!").status == 200


def test_the_length_of_a_new_password_is_that_of_its_form(api: Api) -> None:
    decomposed = unicodedata.normalize("NFD", "äöüéèñç")
    body = {"current_password": "correct-horse-7", "new_password": decomposed}

    reply = api_of(_a_user()).post("/client/password", body)

    assert len(decomposed) > 8
    assert (reply.status, set(reply.json["details"])) == (422, {"new_password"})


def test_an_operators_password_is_compared_in_its_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(NFD + "\n"))
    call_command("create_operator", "ops@example.com", set_password=True, stdout=StringIO())

    assert User.objects.get().check_password(NFC)


def test_an_old_hash_of_a_password_as_it_was_typed_still_logs_in(api: Api) -> None:
    UserFactory.create(email="ada@example.com", role=Role.CLIENT, password=make_password(NFD))

    assert _log_in(api, password=NFD).status == 200
    assert _log_in(api, password=NFD + "x").status == 401


@pytest.mark.parametrize(("password", "hashes"), [("wrong-password", 1), (NFC, 1), (NFD, 2)])
def test_a_wrong_password_and_an_unknown_email_cost_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch, password: str, hashes: int
) -> None:
    _a_user()
    UserFactory.create(email="without@example.com")
    counted = count_hashes(monkeypatch)
    costs = []

    for name in ("ada", "nobody", "without"):
        before = len(counted)
        status = _log_in(api, email=f"{name}@example.com", password=password).status
        costs.append((status, len(counted) - before))

    assert costs == [(401, hashes)] * 3
