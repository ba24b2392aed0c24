"""Password reset: one mail, one use, and no answer reveals whether an account exists."""

import logging
import re
import uuid
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import Role, User
from accounts.services import erase
from core.unit_of_work import unit_of_work
from tests.factories import ClientFactory, CompanyFactory, UserFactory, api_of
from tests.hashing import count_hashes, hashed
from tests.http_client import Api, Reply
from tests.jobs import run_jobs
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

REQUEST, CONFIRM = "/password/reset", "/password/reset/confirm"
EMAIL, OLD, NEW = "ada@example.com", "correct-horse-7", "battery-staple-9"


def a_user(role: Role = Role.CLIENT, email: str = EMAIL, password: str | None = None) -> User:
    user = UserFactory.create(email=email, role=role, password=password or hashed(OLD))
    if role != Role.OPERATOR:
        (ClientFactory if role == Role.CLIENT else CompanyFactory).create(user=user)
    return user


def request_and_read_mail(email: str = EMAIL) -> dict[str, str]:
    """Request a reset, run the job that sends the mail, and return its uid and token."""
    assert Api().post(REQUEST, {"email": email}).status == 202
    run_jobs()
    text = mail.outbox[-1].body
    return dict(re.findall(r"(uid|token): (\S+)", str(text)))


def confirm(sent_values: dict[str, str], **changes: Any) -> Reply:
    body = {**sent_values, "new_password": NEW, **changes}
    return Api().post(CONFIRM, {name: value for name, value in body.items() if value is not ...})


def log_in(password: str, account_kind: str = "client") -> int:
    return int(Api().post(f"/{account_kind}/login", {"email": EMAIL, "password": password}).status)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.COMPANY])
def test_the_mail_sets_a_new_password_and_ends_every_session(role: Role) -> None:
    user = a_user(role)
    session, another_user = api_of(user), api_of(a_user(email="ben@example.com"))

    requested = Api().post(REQUEST, {"email": "Ada@Example.com"})
    run_jobs()
    [sent] = mail.outbox
    sent_values = dict(re.findall(r"(uid|token): (\S+)", str(sent.body)))
    reply = confirm(sent_values)

    assert (requested.status, requested.json) == (202, {"status": "accepted"})
    assert (sent.to, sent_values["uid"]) == ([EMAIL], str(user.pk))
    assert (reply.status, reply.raw) == (204, b"")
    assert session.get("/wallet/list").code == "invalid_token"
    assert another_user.get("/wallet/list").status == 200
    assert (log_in(OLD, role), log_in(NEW, role)) == (401, 200)


def test_a_reset_sets_the_first_password_of_an_account_without_one() -> None:
    a_user(password="!")

    assert confirm(request_and_read_mail()).status == 204
    assert log_in(NEW) == 200


def test_a_request_is_answered_the_same_with_and_without_an_account(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user()
    a_user(Role.OPERATOR, "op@example.com")
    settings.RATELIMIT_ENABLE = False  # the first request would insert a counter
    hashes = count_hashes(monkeypatch)

    def request(email: str) -> tuple[int, bytes, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            reply = Api().post(REQUEST, {"email": email})
        statements = [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in captured]
        return reply.status, reply.raw, statements

    answers = [request(email) for email in (EMAIL, "nobody@example.com", "op@example.com")]

    assert answers[0] == answers[1] == answers[2]
    assert (mail.outbox, hashes) == ([], [])


@pytest.mark.parametrize("who", ["nobody", "operator", "erased"])
def test_no_mail_for_an_account_that_may_not_reset(who: str) -> None:
    if who == "operator":
        a_user(Role.OPERATOR)
    if who == "erased":
        user = a_user()
        assert Api().post(REQUEST, {"email": EMAIL}).status == 202
        unit_of_work(lambda: erase(user))

    assert Api().post(REQUEST, {"email": EMAIL}).status == 202
    run_jobs()

    assert mail.outbox == []
    assert set(ProcrastinateJob.objects.values_list("status", flat=True)) == {"succeeded"}


def test_a_configured_page_gets_the_token_in_the_fragment(settings: Settings) -> None:
    user = a_user()
    settings.PASSWORD_RESET_URL = "https://app.example/reset"

    Api().post(REQUEST, {"email": EMAIL})
    run_jobs()

    link = re.search(r"https://\S+", str(mail.outbox[0].body))
    assert link is not None
    assert link[0].startswith(f"https://app.example/reset#uid={user.pk}&token=")
    assert confirm({"uid": str(user.pk), "token": link[0].split("token=")[1]}).status == 204


# fmt: off
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"token": "x"},                   "token"),
    ({"token": "d1abcd-0123456789abcdef0123456789abcdef"}, "token"),
    ({"uid": str(uuid.uuid4())},       "token"),
    ({"uid": "MQ"},                    "uid"),
    ({"uid": ...},                     "uid"),
    ({"token": ...},                   "token"),
    ({"token": 7},                     "token"),
    ({"new_password": "short-7"},      "new_password"),
    ({"new_password": EMAIL},          "new_password"),
    ({"new_password": ...},            "new_password"),
    ({"email": EMAIL},                 "email"),
)
# fmt: on


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_a_refused_reset_changes_nothing_and_leaves_the_token_valid(
    changes: dict[str, Any], field: str
) -> None:
    user = a_user()
    session, sent_values = api_of(user), request_and_read_mail()

    reply = confirm(sent_values, **changes)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert set(reply.json["details"]) == {field}
    assert session.get("/wallet/list").status == 200
    user.refresh_from_db()
    assert user.password == hashed(OLD)
    assert confirm(sent_values).status == 204


def test_all_invalid_tokens_get_the_same_answer(settings: Settings) -> None:
    user = a_user()
    other = a_user(email="ben@example.com")
    operator = a_user(Role.OPERATOR, "op@example.com")
    sent_values = request_and_read_mail()
    of_operator = {
        "uid": str(operator.pk),
        "token": default_token_generator.make_token(operator),
    }

    replies = [
        confirm({**sent_values, "uid": str(other.pk)}),
        confirm({**sent_values, "uid": str(uuid.uuid4())}),
        confirm({**sent_values, "token": sent_values["token"][:-1] + "!"}),
        confirm(of_operator),
    ]
    settings.PASSWORD_RESET_TIMEOUT = -1
    replies.append(confirm(sent_values))

    assert {reply.status for reply in replies} == {422}
    assert len({str((reply.json["message"], reply.json["details"])) for reply in replies}) == 1
    user.refresh_from_db()
    assert user.password == hashed(OLD)


@pytest.mark.parametrize("what", ["used", "changed", "logged in", "erased"])
def test_a_token_becomes_invalid(what: str) -> None:
    user = a_user()
    sent_values = request_and_read_mail()

    if what == "used":
        assert confirm(sent_values).status == 204
    if what == "changed":
        body = {"current_password": OLD, "new_password": "another-staple-9"}
        assert api_of(user).post("/client/password", body).status == 204
    if what == "logged in":
        assert log_in(OLD) == 200
    if what == "erased":
        unit_of_work(lambda: erase(user))
    before = User.objects.get(pk=user.pk).password

    reply = confirm(sent_values, new_password="third-staple-99")

    assert (reply.status, set(reply.json["details"])) == (422, {"token"})
    assert User.objects.get(pk=user.pk).password == before


def test_only_one_of_several_concurrent_resets_uses_the_token() -> None:
    a_user()
    sent_values = request_and_read_mail()

    replies = race(4, lambda number: confirm(sent_values, new_password=f"staple-number-{number}"))

    assert sorted(reply.status for reply in replies) == [204, 422, 422, 422]


def test_requests_are_limited_per_account_and_address(settings: Settings) -> None:
    a_user()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reset_account": "2/d", "reset_address": "3/d"}

    known = [Api().post(REQUEST, {"email": EMAIL}).status for _ in range(3)]
    unknown = Api().post(REQUEST, {"email": "nobody@example.com"}).status

    assert (known, unknown) == ([202, 202, 429], 429)
    assert ProcrastinateJob.objects.count() == 2


def test_guesses_are_limited_before_anything_is_hashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user()
    sent_values = request_and_read_mail()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "reset_confirmation": "2/d"}
    hashes = count_hashes(monkeypatch)

    guesses = [confirm(sent_values, token=f"guess{number}").status for number in range(2)]
    right = confirm(sent_values)

    assert (guesses, right.code) == ([422, 422], "rate_limited")
    assert hashes == []


def test_neither_address_nor_token_is_in_jobs_and_logs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user()
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "procrastinate")
    tokens: list[str] = []

    def refuse(_subject: str, text: str, *_rest: Any) -> None:
        tokens.extend(re.findall(r"token: (\S+)", text))
        raise SMTPRecipientsRefused({EMAIL: (550, b"no such mailbox")})

    monkeypatch.setattr("accounts.password_reset.send_mail", refuse)

    Api().post(REQUEST, {"email": EMAIL})
    run_jobs()

    [job] = ProcrastinateJob.objects.filter(task_name="send_password_reset")
    # It will be retried; a slow machine has done so already.
    assert job.status == "todo"
    assert job.attempts == len(tokens) > 0
    assert list(job.args) == ["user_id"]
    assert "MailNotSent" in caplog.text
    assert EMAIL not in caplog.text
    assert not any(token in caplog.text for token in tokens)


def test_without_a_mail_server_no_mail_is_sent(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    a_user()
    settings.SENDS_MAIL = False

    Api().post(REQUEST, {"email": EMAIL})
    run_jobs()

    assert mail.outbox == []
    assert "WALLET_SERVICE_EMAIL_URL" in caplog.text


def test_the_mail_states_how_long_the_token_is_valid(settings: Settings) -> None:
    a_user()
    settings.PASSWORD_RESET_TIMEOUT = timedelta(minutes=25).seconds

    request_and_read_mail()

    assert "within 25 minutes" in mail.outbox[0].body
