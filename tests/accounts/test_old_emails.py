"""Addresses of before the canonical form: written anew, or left and reported."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.db import IntegrityError

from accounts.models import User
from accounts.old_emails import old_emails, rewrite_old_emails
from ops.management.commands.doctor import CheckFailed, check_emails
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def without_trigger(owner_dsn: str, books: None) -> Iterator[None]:
    """As before the migration: the database takes any address."""
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("ALTER TABLE accounts_user DISABLE TRIGGER email_in_ascii")
        yield
        owner.execute("ALTER TABLE accounts_user ENABLE TRIGGER email_in_ascii")


@pytest.mark.usefixtures("without_trigger")
def test_what_has_a_form_of_its_own_is_written_in_it() -> None:
    sharp, double = an_account("bob@faß.de"), an_account("bob@fass.de")
    buecher, plain = an_account("ada@bücher.example"), an_account("ada@example.com")

    kept = rewrite_old_emails()

    assert kept == []
    assert email_of(sharp) == "bob@xn--fa-hia.de"
    assert email_of(double) == "bob@fass.de"
    assert email_of(buecher) == "ada@xn--bcher-kva.example"
    assert email_of(plain) == "ada@example.com"
    assert list(old_emails()) == []
    assert check_emails() == "all are in canonical form"


@pytest.mark.usefixtures("without_trigger")
@pytest.mark.parametrize(
    "emails",
    [
        # The one that has the form keeps it, also when it is not the oldest.
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ],
)
def test_an_address_that_another_account_has_is_left(emails: tuple[str, str]) -> None:
    by_email = {email: an_account(email) for email in emails}

    kept = rewrite_old_emails()

    assert kept == [by_email["ada@bücher.example"]]
    assert {email: email_of(user_id) for email, user_id in by_email.items()} == {
        email: email for email in emails
    }
    with pytest.raises(CheckFailed, match=f"{kept[0]} .another account has it."):
        check_emails()


@pytest.mark.usefixtures("without_trigger")
def test_the_oldest_of_several_gets_the_form() -> None:
    oldest, younger = an_account("ada@\uff42ücher.example"), an_account("ada@bücher.example")

    kept = rewrite_old_emails()

    assert (email_of(oldest), kept) == ("ada@xn--bcher-kva.example", [younger])


@pytest.mark.usefixtures("without_trigger")
def test_an_address_without_a_form_is_left_and_its_account_goes_on() -> None:
    emails = ("\u017fam@example.com", "ada@[127.0.0.1]", "bob@exam\u200bple.com")
    accounts = [an_account(email) for email in emails]

    kept = rewrite_old_emails()

    assert kept == accounts
    assert [email_of(user_id) for user_id in accounts] == list(emails)
    with pytest.raises(CheckFailed, match="it has no canonical form"):
        check_emails()


@pytest.mark.usefixtures("without_trigger")
def test_who_looks_for_an_address_finds_the_account_that_has_it_as_typed_first() -> None:
    for number in range(8):
        typed = an_account(f"bob{number}@faß.de")
        an_account(f"bob{number}@xn--fa-hia.de")

        found = User.objects.with_email(f"bob{number}@faß.de")

        assert (found.count(), getattr(found.first(), "pk", None)) == (2, typed)


def test_an_account_with_an_old_address_can_still_be_changed(owner_dsn: str) -> None:
    user_id = an_account("ada@example.com")
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE accounts_user SET email = 'ada@☃.example'")

    changed = User.objects.filter(pk=user_id).update(password="!", is_active=False)

    assert changed == 1
    with pytest.raises(IntegrityError, match="canonical form"):
        User.objects.filter(pk=user_id).update(email="bob@☃.example")


def test_the_database_refuses_a_new_address_that_is_not_ascii() -> None:
    with pytest.raises(IntegrityError, match="canonical form"):
        an_account("ada@bücher.example")

    assert not User.objects.exists()


def an_account(email: str) -> uuid.UUID:
    user_id: uuid.UUID = UserFactory.create(email=email).pk
    return user_id


def email_of(user_id: uuid.UUID) -> str:
    return User.objects.get(pk=user_id).email
