"""From what somebody quotes to everything around it."""

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
from tests.factories import Holder, a_client, a_company, api_of, freeze
from tests.support.desk import Desk, Page

pytestmark = pytest.mark.usefixtures("books")

FIND = "/admin/find/"


def a_charge(payer: Holder, company: Holder, **how: str) -> Transaction:
    company.api.post(
        "/wallet/charge",
        {"wallet": str(payer.wallet_id), "amount": "2.50", "summary": "Tea for two"},
        **how,
    )
    return Transaction.objects.latest("id")


def find(desk: Desk, quoted: str) -> Page:
    return desk.post(FIND, quoted=quoted)


def test_whatever_is_quoted_of_a_charge_leads_to_all_around_it(desk: Desk) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    charge = a_charge(payer, company, key="order-1017")
    company.api.post("/wallet/refund", {"transaction": str(charge.pk)})
    freeze(payer)

    for quoted in (str(charge.pk), charge.request_id, "order-1017"):
        page = find(desk, f" {quoted} ")
        for expected in (
            payer.user.email,
            company.user.email,
            str(payer.wallet_id),
            "Tea for two",
            "order-1017",
            "Frozen and set free",
        ):
            assert expected in page.text, (quoted, expected)
    assert "refund" in find(desk, str(charge.pk)).text


def test_a_request_id_of_ours_is_looked_for_in_its_minute_alone(desk: Desk) -> None:
    charge = a_charge(a_client(holds="10.00"), a_company())

    page = find(desk, charge.request_id)

    assert uuid.UUID(charge.request_id).version == 7
    assert "Tea for two" in page.text
    assert "does not tell when it was made" not in page.text


def test_a_request_id_of_a_client_is_looked_for_among_the_newest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer = a_client(holds="10.00")
    a_charge(payer, a_company(), **{"X-Request-ID": "till-3/9"})
    monkeypatch.setattr(related_records, "LOOKED_AT", 2)

    near = find(desk, "till-3/9")
    for _ in range(2):
        a_charge(payer, a_company())
    far = find(desk, "till-3/9")

    assert "Tea for two" in near.text
    assert "Nothing found" in far.text
    assert "does not tell when it was made" in far.text


@pytest.mark.parametrize(
    "quote",
    [
        lambda holder: holder.user.email.upper(),
        lambda holder: str(holder.user.pk),
        lambda holder: str(holder.wallet_id),
    ],
)
def test_a_person_or_a_wallet_leads_to_both(desk: Desk, quote: Callable[[Holder], str]) -> None:
    holder = a_client(holds="10.00")
    freeze(holder)
    desk.unfreeze(holder.wallet_id, reason="Ticket 9")

    page = find(desk, quote(holder))

    for expected in (holder.user.email, "Ada Lovelace", "10.00 USD", "deposit", "Ticket 9"):
        assert expected in page.text


def test_a_queued_transaction_leads_to_what_it_did(desk: Desk) -> None:
    holder = a_client(holds="10.00")
    reply = holder.api.post("/transaction", {"value": "3.00", "latency": 1})
    queued = QueuedTransaction.objects.get()

    def run_one() -> None:
        take_lease()
        run(choose())

    waiting = find(desk, str(queued.pk))
    unit_of_work(run_one)
    spent = Transaction.objects.latest("id")

    assert reply.status == 202
    assert "pending" in waiting.text
    assert holder.user.email in waiting.text
    for quoted in (str(queued.pk), str(spent.pk), queued.request_id, holder.user.email):
        page = find(desk, quoted)
        assert str(queued.pk) in page.text, quoted
        assert "spend" in page.text, quoted


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    for quoted in ("nobody@example.com", str(uuid.uuid4()), "order-1", str(uuid.UUID(int=0))):
        assert "Nothing found" in find(desk, quoted).text
    for kind in ("person", "wallet", "nonsense"):
        assert "Nothing found" in desk.get(f"{FIND}{kind}/{uuid.uuid4()}").text


@pytest.mark.parametrize("quoted", ["nobody@example.com", "correct-horse-7", "order-1017"])
def test_what_is_typed_stands_in_no_address(desk: Desk, quoted: str) -> None:
    answer = desk.client.post(FIND, {"quoted": quoted})

    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert quoted in Page(answer).text
    assert f"/{quoted}" not in answer.content.decode()
    assert desk.get(f"{FIND}quoted/{quoted}").status == 404


def test_that_old_keys_were_not_looked_at_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer, company = a_client(holds="10.00"), a_company()
    a_charge(payer, company, key="order-1")
    monkeypatch.setattr(related_records, "SCANNED", 1)

    all_looked_at = find(desk, "order-1")
    a_charge(payer, company, key="order-2")
    too_old = find(desk, "order-1")

    said = "Of the idempotency keys, the newest 1 were looked at."
    assert "Tea for two" in all_looked_at.text
    assert said not in all_looked_at.text
    assert "Nothing found" in too_old.text
    assert said in too_old.text


def test_an_api_token_is_neither_looked_up_nor_kept(desk: Desk) -> None:
    holder = a_client()
    token = api_of(holder.user)._token
    assert token is not None

    answer = desk.client.post(FIND, {"quoted": f"Token {token}"})

    assert answer.status_code == 200
    assert "it was not looked up, and not kept" in answer.content.decode()
    assert token not in answer.content.decode()
    assert not SupportAction.objects.exists()


def test_it_is_on_record_who_was_looked_at(desk: Desk, operator: User) -> None:
    holder = a_client()

    find(desk, holder.user.email)

    done = SupportAction.objects.get()
    assert (done.action, done.actor_id, done.subject_id) == (
        Action.VIEW,
        operator.pk,
        str(holder.user.pk),
    )
    assert holder.user.email not in done.result


def test_only_operators_find(desk: Desk) -> None:
    holder = a_client(holds="10.00")
    client = Client()
    client.force_login(holder.user)

    for url in (FIND, f"{FIND}person/{holder.user.pk}"):
        assert client.get(url).status_code == 302
    assert client.post(FIND, {"quoted": holder.user.email}).status_code == 302
    assert not SupportAction.objects.exists()


def test_the_box_wants_its_own_token(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(FIND, {"quoted": "x"}).status_code == 403


@pytest.mark.parametrize("quoted", ["", " ", "x" * 256, "a\x00b"])
def test_what_cannot_be_looked_for_is_said(desk: Desk, quoted: str) -> None:
    assert find(desk, quoted).errors("quoted")
