"""The search page: from a query to the related records."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Action, SupportAction, User
from core.unit_of_work import unit_of_work
from intake.chunks import choose, run, take_lease
from intake.models import QueuedTransaction
from ledger.models import Transaction
from support import related_records
from tests.factories import (
    ClientFactory,
    CompanyFactory,
    Holder,
    a_client,
    a_company,
    api_of,
    freeze,
)
from tests.support.admin_session import AdminSession, Page

pytestmark = pytest.mark.usefixtures("books")

FIND = "/admin/find/"


def a_charge(payer: Holder, company: Holder, **options: str) -> Transaction:
    company.api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": "2.50", "summary": "Tea for two"},
        **options,
    )
    return Transaction.objects.latest("id")


def find(admin: AdminSession, query: str) -> Page:
    return admin.post(FIND, query=query)


def test_each_query_for_a_charge_finds_the_related_records(admin: AdminSession) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    charge = a_charge(payer, company, key="order-1017")
    company.api.post("/wallet/refund", {"transaction": str(charge.pk)})
    freeze(payer)

    for query in (str(charge.pk), charge.request_id, "order-1017"):
        page = find(admin, f" {query} ")
        for expected in (
            payer.user.email,
            company.user.email,
            str(payer.wallet_id),
            "Tea for two",
            "order-1017",
            "Frozen and set free",
        ):
            assert expected in page.text, (query, expected)
    assert "refund" in find(admin, str(charge.pk)).text


def test_a_generated_request_id_limits_the_search_to_its_time(admin: AdminSession) -> None:
    charge = a_charge(a_client(holds="10.00"), a_company())

    page = find(admin, charge.request_id)

    assert uuid.UUID(charge.request_id).version == 7
    assert "Tea for two" in page.text
    assert "contains no time" not in page.text


def test_a_request_id_of_a_client_is_searched_among_the_newest(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer = a_client(holds="10.00")
    a_charge(payer, a_company(), **{"X-Request-ID": "till-3/9"})
    monkeypatch.setattr(related_records, "TRANSACTIONS_SCANNED", 2)

    near = find(admin, "till-3/9")
    for _ in range(2):
        a_charge(payer, a_company())
    far = find(admin, "till-3/9")

    assert "Tea for two" in near.text
    assert "Nothing found" in far.text
    assert "As a request id it contains no time" in far.text


@pytest.mark.parametrize(
    "query_of",
    [
        lambda holder: holder.user.email.upper(),
        lambda holder: str(holder.user.pk),
        lambda holder: str(holder.wallet_id),
    ],
)
def test_a_user_or_a_wallet_finds_both(
    admin: AdminSession, query_of: Callable[[Holder], str]
) -> None:
    holder = a_client(holds="10.00")
    freeze(holder)
    admin.unfreeze(holder.wallet_id, reason="Ticket 9")

    page = find(admin, query_of(holder))

    for expected in (holder.user.email, "Ada Lovelace", "10.00 USD", "deposit", "Ticket 9"):
        assert expected in page.text


def test_a_queued_transaction_finds_its_transaction(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    reply = holder.api.post("/transaction", {"value": "3.00", "latency": 1})
    queued = QueuedTransaction.objects.get()

    def run_one() -> None:
        take_lease()
        run(choose())

    waiting = find(admin, str(queued.pk))
    unit_of_work(run_one)
    spent = Transaction.objects.latest("id")

    assert reply.status == 202
    assert "pending" in waiting.text
    assert holder.user.email in waiting.text
    for query in (str(queued.pk), str(spent.pk), queued.request_id, holder.user.email):
        page = find(admin, query)
        assert str(queued.pk) in page.text, query
        assert "spend" in page.text, query


def test_unknown_queries_find_nothing(admin: AdminSession) -> None:
    for query in ("nobody@example.com", str(uuid.uuid4()), "order-1", str(uuid.UUID(int=0))):
        assert "Nothing found" in find(admin, query).text
    for kind in ("person", "wallet", "nonsense"):
        assert "Nothing found" in admin.get(f"{FIND}{kind}/{uuid.uuid4()}").text


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("nobody@example.com", "No account has the email address nobody@example.com."),
        ("00000000-0000-4000-8000-000000000001", "Nothing has the id 00000000-0000-4000-8000-"),
        ("order-1", "No request id and no idempotency key order-1 was found."),
        ("+442079460018", "No customer has the phone number +442079460018."),
        ("+44 20 7946 0018", "No customer has the phone number +44 20 7946 0018."),
        ("020 7946 0018", "No customer has the phone number 020 7946 0018: it begins with +"),
        ("Zoe Nobody", "No customer has a name that begins with “Zoe Nobody”."),
        ("%", "No customer has a name that begins with “%”."),
    ],
)
def test_a_query_in_vain_is_named_for_what_it_is_and_stays_in_the_box(
    admin: AdminSession, query: str, reason: str
) -> None:
    page = find(admin, f" {query} ")

    assert reason in page.text
    assert "request id contains no time" not in page.text
    assert page.response.context["form"]["query"].value() == query
    assert f'value="{query}"' in page.response.content.decode()


@pytest.mark.parametrize(
    "query", ["+442079460018", "+44 20 7946 0018", "Ada Lovelace", "love", "Corner Shop", "corner"]
)
def test_a_phone_number_or_a_name_finds_its_customer(
    admin: AdminSession, operator: User, query: str
) -> None:
    ClientFactory.create(first_name="Grace", last_name="Hopper", phone_number="+34600123123")
    company = CompanyFactory.create(phone_number="+442079460018").user

    page = find(admin, query)

    assert f"Everything around {company.email}" in page.text
    assert page.response.context["form"]["query"].value() == query
    [action] = SupportAction.objects.all()
    assert (action.actor_id, action.subject_id) == (operator.pk, str(company.pk))
    assert "request id" not in page.text.partition("What do you have?")[2]


def test_several_customers_of_a_name_are_listed_with_links(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [ClientFactory.create().user, CompanyFactory.create().user, a_client().user]
    ClientFactory.create(first_name="Grace", last_name="Hopper")

    page = find(admin, "ada")
    monkeypatch.setattr("support.find.CUSTOMERS_SHOWN", 2)
    cut = find(admin, "ada")

    content = page.response.content.decode()
    links = [f'href="{FIND}person/{user.pk}"' in content for user in users]
    assert links == [True] * 3
    assert content.count(f'href="{FIND}person/') == 3
    assert "Nothing found" not in page.text
    assert "More than" not in page.text
    assert "More than 2 customers match: these are some of them." in cut.text
    assert cut.response.content.decode().count(f'href="{FIND}person/') == 2
    assert not SupportAction.objects.exists()


def test_a_name_in_vain_is_not_taken_for_a_request_id(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    a_charge(payer, company)
    monkeypatch.setattr(related_records, "TRANSACTIONS_SCANNED", 1)
    monkeypatch.setattr(related_records, "ROWS_SCANNED", 1)

    for query in ("Zoe Nobody", "+442079460018", "nobody@example.com"):
        answer = find(admin, query).text.partition("Nothing found")[2]
        assert answer, query
        assert "request id" not in answer, query
        assert "idempotency key" not in answer, query


def test_the_box_keeps_what_was_found_and_no_secret(admin: AdminSession) -> None:
    holder, secret = a_client(), f"pt_{'a' * 43}"

    assert f'value="{holder.user.email}"' in find(admin, holder.user.email).response.text
    assert secret not in find(admin, secret).response.text


@pytest.mark.parametrize("query", ["nobody@example.com", "correct-horse-7", "order-1017"])
def test_no_url_contains_the_query(admin: AdminSession, query: str) -> None:
    answer = admin.client.post(FIND, {"query": query})

    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert query in Page(answer).text
    assert f"/{query}" not in answer.content.decode()
    assert admin.get(f"{FIND}text/{query}").status == 404


def test_the_search_limit_for_keys_is_reported(
    admin: AdminSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    a_charge(payer, company, key="order-1")
    monkeypatch.setattr(related_records, "ROWS_SCANNED", 1)

    within_limit = find(admin, "order-1")
    a_charge(payer, company, key="order-2")
    beyond_limit = find(admin, "order-1")

    note = "Only the newest 1 idempotency keys were searched."
    assert "Tea for two" in within_limit.text
    assert note not in within_limit.text
    assert "Nothing found" in beyond_limit.text
    assert note in beyond_limit.text


def test_an_api_token_is_neither_searched_for_nor_stored(admin: AdminSession) -> None:
    holder = a_client()
    token = api_of(holder.user)._token
    assert token is not None

    answer = admin.client.post(FIND, {"query": f"Token {token}"})

    assert answer.status_code == 200
    assert "it was not looked up, and not kept" in answer.content.decode()
    assert token not in answer.content.decode()
    assert not SupportAction.objects.exists()


def test_a_search_records_the_users_shown(admin: AdminSession, operator: User) -> None:
    holder = a_client()

    find(admin, holder.user.email)

    action = SupportAction.objects.get()
    assert (action.action, action.actor_id, action.subject_id) == (
        Action.VIEW,
        operator.pk,
        str(holder.user.pk),
    )
    assert holder.user.email not in action.result


def test_only_operators_can_search(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    client = Client()
    client.force_login(holder.user)

    for url in (FIND, f"{FIND}person/{holder.user.pk}"):
        assert client.get(url).status_code == 302
    assert client.post(FIND, {"query": holder.user.email}).status_code == 302
    assert not SupportAction.objects.exists()


def test_the_search_form_needs_a_csrf_token(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(FIND, {"query": "x"}).status_code == 403


@pytest.mark.parametrize("query", ["", " ", "x" * 256, "a\x00b"])
def test_an_invalid_query_is_a_form_error(admin: AdminSession, query: str) -> None:
    assert find(admin, query).errors("query")
