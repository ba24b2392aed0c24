"""An email address has one form, at every place that takes one."""

from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.email_addresses import canonical_email
from accounts.models import User
from tests.factories import PHONE, ClientFactory, UserFactory, api_of
from tests.hashing import hashed
from tests.http_client import Api, Reply
from tests.jobs import run_jobs

PASSWORD = "correct-horse-7"
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
#: Spellings of one address.
BUECHER = (
    "ada@bücher.example",
    "ada@bu\u0308cher.example",
    "ada@\uff42ücher.example",
    "ada@bücher。example",
    "Ada@BÜCHER.example",
    "ada@xn--bcher-kva.example",
    "ada@XN--BCHER-KVA.Example",
)
NO_ADDRESS = (
    "\u017fam@example.com",  # a long s, which is an s without regard to case
    "\u212aim@example.com",  # the Kelvin sign
    "josé@example.com",
    "ada\u200b@example.com",
    "ada@exam\u200bple.com",
    "ada@exam\u00adple.com",
    "ada@exam\u2060ple.com",
    "ada@exam\ufe0fple.com",
    "ada@example.com\ufeff",
    "ada@\u3164example.com",
    # The mailbox of ada@example.com.
    '"ada"@example.com',
    "ada\uff20example.com",
    "ada@example.com.",
    "ada@example。",
    "ada@.example.com",
    "ada@exa..mple.com",
    "ada@[127.0.0.1]",
    "ada@[::1]",
    "ada@under_score.example.com",
    "ada@-a.example.com",
    "ada@xn--.example",
    "ada@xn--a.example",
    "ada@xn--fa-hia-.de",
    "ada@☃.example",
    "ada@xn--n3h.example",
    f"ada@{'a' * 64}.example",
    f"ada@{'ü' * 60}.example",
    f"ada@{'a.' * 130}example",
    f"ada@{'ü' * 100_000}.example",
)


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("bob@faß.de", "bob@xn--fa-hia.de"),
        ("bob@fass.de", "bob@fass.de"),
        ("bob@FASS.de", "bob@fass.de"),
        *((typed, "ada@xn--bcher-kva.example") for typed in BUECHER),
        ("x@пример.рф", "x@xn--e1afmkfd.xn--p1ai"),
        ("O'Neil+Tag@Example.COM", "o'neil+tag@example.com"),
        ("ada@ab--cd.example", "ada@ab--cd.example"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_canonical_form(typed: str, form: str) -> None:
    assert canonical_email(typed) == form
    assert canonical_email(form) == form


@pytest.mark.parametrize("typed", NO_ADDRESS)
def test_no_canonical_form(typed: str) -> None:
    with pytest.raises(ValueError, match=r"valid email address|no more than 254"):
        canonical_email(typed)


@given(st.text(max_size=12), st.text(max_size=24))
def test_a_form_is_ascii_in_lower_case_and_its_own_form(local_part: str, domain: str) -> None:
    try:
        form = canonical_email(f"{local_part}@{domain}")
    except ValueError:
        return
    assert form.isascii()
    assert form == form.lower() == canonical_email(form)


@pytest.mark.usefixtures("books")
def test_one_mailbox_signs_up_once(api: Api) -> None:
    first = _sign_up(api, BUECHER[0])
    others = [_sign_up(api, spelling) for spelling in BUECHER[1:]]

    assert first.status == 201
    assert [(reply.status, reply.code) for reply in others] == [(409, "email_taken")] * 6
    assert User.objects.get().email == "ada@xn--bcher-kva.example"


@pytest.mark.usefixtures("books")
def test_two_domains_are_two_accounts(api: Api) -> None:
    sharp, double = _sign_up(api, "bob@faß.de"), _sign_up(api, "bob@fass.de")

    assert (sharp.status, double.status) == (201, 201)
    emails = set(User.objects.values_list("email", flat=True))
    assert emails == {"bob@xn--fa-hia.de", "bob@fass.de"}


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("spelling", BUECHER)
def test_any_spelling_logs_in(api: Api, spelling: str) -> None:
    _a_client("ada@xn--bcher-kva.example")

    reply = api.post("/client/login", {"email": spelling, "password": PASSWORD})

    assert reply.status == 200


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("typed", [*NO_ADDRESS[:8], "ada@[127.0.0.1]", "ada@xn--a.example"])
def test_no_address_is_refused_everywhere(api: Api, typed: str) -> None:
    replies = (
        _sign_up(api, typed),
        api.post("/client/login", {"email": typed, "password": PASSWORD}),
        api.post("/company/login", {"email": typed, "password": PASSWORD}),
        api.post("/password/reset", {"email": typed}),
    )
    with pytest.raises(CommandError, match="is not an email address"):
        call_command("create_operator", typed, stdout=StringIO())

    for reply in replies:
        assert (reply.status, reply.code) == (422, "validation_error")
        assert set(reply.json["details"]) == {"email"}
    assert not User.objects.exists()


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("spelling", BUECHER)
def test_the_mail_of_a_reset_goes_to_the_a_label(api: Api, spelling: str) -> None:
    _a_client("ada@xn--bcher-kva.example")

    reply = api.post("/password/reset", {"email": spelling})
    run_jobs()

    assert reply.status == 202
    [sent] = mail.outbox
    assert sent.to == ["ada@xn--bcher-kva.example"]
    # What goes to the mail server, through Python's own codec where that is used.
    assert "ada@xn--bcher-kva.example" in sent.message().as_string()


@pytest.mark.usefixtures("books")
def test_the_mail_for_a_sharp_s_does_not_go_to_another_domain(api: Api) -> None:
    _sign_up(api, "bob@faß.de")

    api.post("/password/reset", {"email": "bob@faß.de"})
    run_jobs()

    [sent] = mail.outbox
    assert sent.to == ["bob@xn--fa-hia.de"]
    assert "fass.de" not in sent.message().as_string()


@pytest.mark.usefixtures("books")
def test_an_operator_has_one_address_too() -> None:
    for spelling in BUECHER:
        call_command("create_operator", spelling, stdout=StringIO())

    assert User.objects.get().email == "ada@xn--bcher-kva.example"


@pytest.mark.usefixtures("books")
def test_another_address_for_an_account(api: Api) -> None:
    user = _a_client("ada@example.com")
    session = api_of(user)

    call_command("change_email", user.pk, "Ada@bücher.example", reason="Moved", stdout=StringIO())

    assert api.post("/client/login", {"email": BUECHER[1], "password": PASSWORD}).status == 200
    assert session.get("/me").json["email"] == "ada@xn--bcher-kva.example"


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("email", "reason", "message"),
    [
        ("taken@example.com", "Moved", "already"),
        ("ada@exam\u200bple.com", "Moved", "is not an email address"),
        ("new@example.com", "\u200b", "A reason is needed"),
    ],
)
def test_a_refused_change_changes_nothing(email: str, reason: str, message: str) -> None:
    UserFactory.create(email="taken@example.com")
    user = _a_client("ada@example.com")

    with pytest.raises(CommandError, match=message):
        call_command("change_email", user.pk, email, reason=reason, stdout=StringIO())

    user.refresh_from_db()
    assert user.email == "ada@example.com"


def _a_client(email: str) -> User:
    user: User = UserFactory.create(email=email, password=hashed(PASSWORD))
    ClientFactory.create(user=user)
    return user


def _sign_up(api: Api, email: str) -> Reply:
    body: dict[str, Any] = {"email": email, "password": PASSWORD, "client": PERSON}
    return api.post("/client/signup", body)
