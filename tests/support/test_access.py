"""Who may enter the admin, and which actions it refuses to everyone."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, SupportAction, User
from ledger.models import Transaction
from tests.factories import Holder, UserFactory, a_client, a_company
from tests.hashing import count_hashes, hashed
from tests.http_client import Api
from tests.support.admin_session import (
    ASSETS,
    CUSTOMERS,
    TRANSACTIONS,
    TRIAL_BALANCE,
    WALLETS,
    AdminSession,
    Page,
)
from wallets.models import Asset, Status, StatusChange

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"
LOG_IN = "/admin/login/"
LISTS = (CUSTOMERS, WALLETS, TRANSACTIONS, ASSETS)
PAGES = ("/admin/", *LISTS, TRIAL_BALANCE, f"{ASSETS}add/", f"{ASSETS}USD/change/")


def pages_of(holder: Holder) -> list[str]:
    """The pages of everything that a holder with a deposit has."""
    transaction = Transaction.objects.get()
    return [
        f"{CUSTOMERS}{holder.user.pk}/change/",
        f"{WALLETS}{holder.wallet_id}/change/",
        f"{TRANSACTIONS}{transaction.pk}/change/",
    ]


def test_an_operator_sees_every_page(admin: AdminSession) -> None:
    holder = a_company(holds="10.00")
    actions = [f"{WALLETS}{holder.wallet_id}/{name}/" for name in ("freeze", "unfreeze", "adjust")]

    pages = [admin.get(url) for url in (*PAGES, *pages_of(holder), *actions)]

    assert [page.status for page in pages] == [200] * len(pages)


@pytest.mark.parametrize("make_holder", [a_client, a_company])
def test_clients_and_companies_are_refused(make_holder: type[Holder]) -> None:
    holder = make_holder(holds="10.00")  # type: ignore[call-arg]
    client = Client()
    client.force_login(holder.user)
    adjust = f"{WALLETS}{holder.wallet_id}/adjust/"
    freeze = f"{WALLETS}{holder.wallet_id}/freeze/"

    answers = [client.get(url) for url in (*PAGES, *pages_of(holder), adjust, freeze)]
    answers.append(client.post(freeze, {"reason": "Because I can"}))

    assert {answer.status_code for answer in answers} == {302}
    assert all(answer.headers["Location"].startswith(LOG_IN) for answer in answers)
    assert holder.wallet.status == Status.ACTIVE
    assert not StatusChange.objects.exists()


def test_an_inactive_operator_is_refused(admin: AdminSession, operator: User) -> None:
    User.objects.filter(pk=operator.pk).update(is_active=False)

    assert admin.client.get(WALLETS).status_code == 302


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_objects_cannot_be_edited_or_deleted(admin: AdminSession, verb: str) -> None:
    holder = a_client(holds="10.00")
    urls = [page.replace("change", verb) for page in pages_of(holder)]
    fields = {"balance_minor": "999999", "amount_minor": "1", "email": "x@example.com", "post": "1"}

    pages = [admin.post(url, **fields) for url in urls]

    assert [page.status for page in pages] == [403, 403, 403]
    assert holder.balance_minor == 1_000
    assert Transaction.objects.get().amount_minor == 1_000
    assert User.objects.get(pk=holder.user.pk).email == holder.user.email
    assert not SupportAction.objects.exists()


@pytest.mark.parametrize("url", [CUSTOMERS, WALLETS, TRANSACTIONS])
def test_customers_wallets_and_transactions_cannot_be_added(admin: AdminSession, url: str) -> None:
    assert admin.get(f"{url}add/").status == 403
    assert admin.post(f"{url}add/", email="x@example.com").status == 403


def test_an_asset_is_never_deleted(admin: AdminSession) -> None:
    assert admin.post(f"{ASSETS}EUR/delete/", post="yes").status == 403
    assert Asset.objects.filter(symbol="EUR").exists()


def test_tokens_groups_and_hashes_are_not_in_the_admin(admin: AdminSession) -> None:
    user = UserFactory.create(password=hashed(PASSWORD))

    page = admin.get(f"{CUSTOMERS}{user.pk}/change/")

    assert "argon2" not in page.response.content.decode()
    assert admin.get("/admin/knox/authtoken/").status == 404
    assert admin.get("/admin/auth/group/").status == 404


@pytest.mark.parametrize("lookup", ["password__startswith", "client__phone_number", "id__lt"])
def test_lookups_on_hidden_columns_are_refused(admin: AdminSession, lookup: str) -> None:
    assert admin.client.get(CUSTOMERS, {lookup: "argon2"}).status_code == 400


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(
    "query", [{"p": "nonsense\x00"}, {"o": "-3.1"}, {"all": ""}, {"q": "\x00"}]
)
def test_an_invalid_query_does_not_crash(
    admin: AdminSession, url: str, query: dict[str, str]
) -> None:
    a_client(holds="10.00")

    assert Client.get(admin.client, url, query, follow=True).status_code == 200


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("key", ["nonsense", "a%00b", "00000000-0000-4000-8000-000000000000"])
def test_the_page_of_a_missing_object_redirects(admin: AdminSession, url: str, key: str) -> None:
    answer = admin.client.get(f"{url}{key}/change/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_only_operators_can_log_in() -> None:
    for role in Role.values:
        UserFactory.create(email=f"{role}@example.com", role=role, password=hashed(PASSWORD))

    answers = {
        role: Client().post(LOG_IN, {"username": f"{role}@Example.com", "password": PASSWORD})
        for role in Role.values
    }

    assert {role for role, answer in answers.items() if answer.status_code == 302} == {"operator"}


def test_a_refused_log_in_does_not_tell_what_was_wrong() -> None:
    for role in Role.values:
        UserFactory.create(email=f"{role}@example.com", role=role, password=hashed(PASSWORD))
    wrong = {
        "password": ("operator@example.com", PASSWORD.upper()),
        "account": ("nobody@example.com", PASSWORD),
        "role": ("client@example.com", PASSWORD),
    }

    pages = {
        cause: Page(Client().post(LOG_IN, {"username": email, "password": password}))
        for cause, (email, password) in wrong.items()
    }

    for cause, page in pages.items():
        assert "None of the staff has this email address and this password." in page.text, cause
        assert "case-sensitive" not in page.text, cause
        assert not page.response.wsgi_request.user.is_authenticated, cause


def test_log_in_is_limited_before_anything_is_hashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    UserFactory.create(email="op@example.com", role=Role.OPERATOR, password=hashed(PASSWORD))
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "admin_login_account": "2/d"}
    hashes = count_hashes(monkeypatch)
    credentials = {"username": "op@example.com", "password": "wrong"}
    for _ in range(2):
        Client().post(LOG_IN, credentials)
    counted = len(hashes)

    answer = Client().post(LOG_IN, {**credentials, "password": PASSWORD})

    assert answer.status_code == 200
    assert "Too many requests" in answer.content.decode()
    assert len(hashes) == counted


def test_guesses_at_the_api_keep_no_operator_out(settings: Settings) -> None:
    UserFactory.create(email="op@example.com", role=Role.OPERATOR, password=hashed(PASSWORD))
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "login_account": "1/d",
        "login_account_address": "1/d",
        "login_address": "1/d",
    }
    guess = {"email": "op@example.com", "password": "wrong"}

    guesses = [Api().post("/client/login", guess).status for _ in range(2)]

    assert guesses == [401, 429]
    assert log_in_at("127.0.0.1", PASSWORD) == 302


def test_guesses_at_the_admin_do_not_keep_out_who_knew_the_password(settings: Settings) -> None:
    UserFactory.create(email="op@example.com", role=Role.OPERATOR, password=hashed(PASSWORD))
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "admin_login_account": "2/d",
        "admin_login_account_address": "2/d",
    }
    assert log_in_at("10.0.0.1", PASSWORD) == 302

    guesses = [log_in_at(f"10.9.9.{number}", "wrong") for number in range(3)]

    assert guesses == [200, 200, 200]
    assert log_in_at("10.9.9.9", PASSWORD) == 200  # refused: it shows the form again
    assert log_in_at("10.0.0.1", PASSWORD) == 302


@pytest.mark.parametrize("typed", ["op@b\u00fccher.example", "OP@xn--bcher-kva.example"])
def test_any_spelling_of_the_address_logs_in(typed: str) -> None:
    UserFactory.create(
        email="op@xn--bcher-kva.example", role=Role.OPERATOR, password=hashed(PASSWORD)
    )

    assert log_in_at("10.0.0.1", PASSWORD, typed) == 302


def log_in_at(address: str, password: str, email: str = "op@example.com") -> int:
    credentials = {"username": email, "password": password}
    return Client(REMOTE_ADDR=address).post(LOG_IN, credentials).status_code


def test_pages_load_nothing_from_other_hosts(admin: AdminSession) -> None:
    page = admin.get("/admin/").response.content.decode()

    assert 'src="http' not in page
    assert 'href="http' not in page
