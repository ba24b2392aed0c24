"""Who may enter the admin, and what nobody may do there."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, SupportAction, User
from ledger.models import Transaction
from tests.factories import Holder, UserFactory, a_client, a_company
from tests.hashing import count_hashes, hashed
from tests.support.desk import ASSETS, CUSTOMERS, TRANSACTIONS, TRIAL_BALANCE, WALLETS, Desk
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


def test_an_operator_sees_every_page(desk: Desk) -> None:
    holder = a_company(holds="10.00")
    actions = [f"{WALLETS}{holder.wallet_id}/{name}/" for name in ("freeze", "unfreeze", "adjust")]

    pages = [desk.get(url) for url in (*PAGES, *pages_of(holder), *actions)]

    assert [page.status for page in pages] == [200] * len(pages)


@pytest.mark.parametrize("who", [a_client, a_company])
def test_clients_and_companies_stay_outside(who: type[Holder]) -> None:
    holder = who(holds="10.00")  # type: ignore[call-arg]
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


def test_an_operator_who_has_left_stays_outside(desk: Desk, operator: User) -> None:
    User.objects.filter(pk=operator.pk).update(is_active=False)

    assert desk.client.get(WALLETS).status_code == 302


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_nobody_edits_or_deletes_what_there_is(desk: Desk, verb: str) -> None:
    holder = a_client(holds="10.00")
    urls = [page.replace("change", verb) for page in pages_of(holder)]
    fields = {"balance_minor": "999999", "amount_minor": "1", "email": "x@example.com", "post": "1"}

    pages = [desk.post(url, **fields) for url in urls]

    assert [page.status for page in pages] == [403, 403, 403]
    assert holder.balance_minor == 1_000
    assert Transaction.objects.get().amount_minor == 1_000
    assert User.objects.get(pk=holder.user.pk).email == holder.user.email
    assert not SupportAction.objects.exists()


@pytest.mark.parametrize("where", [CUSTOMERS, WALLETS, TRANSACTIONS])
def test_nobody_adds_a_customer_a_wallet_or_a_transaction(desk: Desk, where: str) -> None:
    assert desk.get(f"{where}add/").status == 403
    assert desk.post(f"{where}add/", email="x@example.com").status == 403


def test_an_asset_is_never_deleted(desk: Desk) -> None:
    assert desk.post(f"{ASSETS}EUR/delete/", post="yes").status == 403
    assert Asset.objects.filter(symbol="EUR").exists()


def test_tokens_groups_and_hashes_are_not_in_it(desk: Desk) -> None:
    user = UserFactory.create(password=hashed(PASSWORD))

    page = desk.get(f"{CUSTOMERS}{user.pk}/change/")

    assert "argon2" not in page.response.content.decode()
    assert desk.get("/admin/knox/authtoken/").status == 404
    assert desk.get("/admin/auth/group/").status == 404


@pytest.mark.parametrize("lookup", ["password__startswith", "client__phone_number", "id__lt"])
def test_nobody_guesses_at_columns_by_a_lookup(desk: Desk, lookup: str) -> None:
    assert desk.client.get(CUSTOMERS, {lookup: "argon2"}).status_code == 400


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(
    "query", [{"p": "nonsense\x00"}, {"o": "-3.1"}, {"all": ""}, {"q": "\x00"}]
)
def test_a_strange_query_is_no_crash(desk: Desk, url: str, query: dict[str, str]) -> None:
    a_client(holds="10.00")

    assert Client.get(desk.client, url, query, follow=True).status_code == 200


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("key", ["nonsense", "a%00b", "00000000-0000-4000-8000-000000000000"])
def test_a_page_of_nothing_leads_back(desk: Desk, url: str, key: str) -> None:
    answer = desk.client.get(f"{url}{key}/change/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_log_in_asks_for_an_operator() -> None:
    for role in Role.values:
        UserFactory.create(email=f"{role}@example.com", role=role, password=hashed(PASSWORD))

    answers = {
        role: Client().post(LOG_IN, {"username": f"{role}@Example.com", "password": PASSWORD})
        for role in Role.values
    }

    assert {role for role, answer in answers.items() if answer.status_code == 302} == {"operator"}


def test_log_in_is_limited_before_anything_is_hashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    UserFactory.create(email="op@example.com", role=Role.OPERATOR, password=hashed(PASSWORD))
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login_account": "2/d"}
    hashes = count_hashes(monkeypatch)
    credentials = {"username": "op@example.com", "password": "wrong"}
    for _ in range(2):
        Client().post(LOG_IN, credentials)
    counted = len(hashes)

    answer = Client().post(LOG_IN, {**credentials, "password": PASSWORD})

    assert answer.status_code == 200
    assert "Too many requests" in answer.content.decode()
    assert len(hashes) == counted


def test_nothing_comes_from_outside(desk: Desk) -> None:
    page = desk.get("/admin/").response.content.decode()

    assert 'src="http' not in page
    assert 'href="http' not in page
