"""Adjustments in the admin: made once, with a reason and an author, or refused and recorded."""

import uuid

import pytest
from django.db.models import QuerySet

from accounts.models import SupportAction, User
from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.factories import Holder, a_client, freeze
from tests.races import race
from tests.support.admin_session import WALLETS, AdminSession, Page, admin_session_of

pytestmark = pytest.mark.usefixtures("books")

# fmt: off
WRONG = (
    # field, value,       error of the form
    ("amount", "1.001",   "At most 2 decimals."),
    ("amount", "0",       "The amount must be greater than zero."),
    ("amount", "-5",      "The amount must be greater than zero."),
    ("amount", "1e2",     "Write 1500 or 1,500.00."),
    ("amount", "1,5",     "Write 1500 or 1,500.00."),
    ("amount", "9" * 30,  "Too large."),
    ("amount", "",        "This field is required."),
    ("direction", "up",   "Select a valid choice. up is not one of the available choices."),
    ("direction", "",     "This field is required."),
    ("reason", "  ",      "This field is required."),
    ("reason", "a\x00b",  "Null characters are not allowed."),
    ("key", "",           "This field is required."),
)
# fmt: on


def adjust(admin: AdminSession, holder: Holder, **fields: str) -> Page:
    """Send the form, with a new key unless one is given."""
    form = {
        "direction": "in",
        "amount": "5.00",
        "reason": "Ticket 42",
        "key": str(uuid.uuid4()),
        **fields,
    }
    return admin.post(f"{WALLETS}{holder.wallet_id}/adjust/", **form)


def actions() -> QuerySet[SupportAction]:
    """The support actions other than views."""
    return SupportAction.objects.exclude(action="view").order_by("id")


def adjustments() -> list[Transaction]:
    return list(Transaction.objects.filter(kind="adjustment").order_by("id"))


def test_an_adjustment_has_its_reason_and_its_author(admin: AdminSession, operator: User) -> None:
    holder = a_client(holds="10.00")

    put_in = adjust(admin, holder)
    taken_out = adjust(admin, holder, direction="out", amount="2.50", reason="Ticket 43")

    assert "Put in 5.00 USD" in put_in.text
    assert "Took out 2.50 USD" in taken_out.text
    assert holder.balance_minor == 1_250
    assert [(row.summary, row.actor_id) for row in adjustments()] == [
        ("Ticket 42", operator.pk),
        ("Ticket 43", operator.pk),
    ]
    logged = SupportAction.objects.order_by("id").exclude(action="view")
    assert list(logged.values_list("actor_id", "subject_id", "reason", "result")) == [
        (operator.pk, str(holder.wallet_id), "Ticket 42", "Put in 5.00 USD"),
        (operator.pk, str(holder.wallet_id), "Ticket 43", "Took out 2.50 USD"),
    ]


def test_a_form_that_is_sent_twice_adjusts_once(admin: AdminSession) -> None:
    holder, key = a_client(holds="10.00"), str(uuid.uuid4())

    first, second = adjust(admin, holder, key=key), adjust(admin, holder, key=key)

    assert "Put in 5.00 USD" in first.text
    assert "Already done: Put in 5.00 USD" in second.text
    assert holder.balance_minor == 1_500
    assert len(adjustments()) == actions().count() == 1


def test_a_form_that_is_sent_several_times_concurrently_adjusts_once(operator: User) -> None:
    holder, key = a_client(holds="10.00"), str(uuid.uuid4())
    sessions = [admin_session_of(operator) for _ in range(4)]

    pages = race(4, lambda number: adjust(sessions[number], holder, key=key))

    assert [page.status for page in pages] == [200] * 4
    assert holder.balance_minor == 1_500
    assert len(adjustments()) == 1


def test_each_page_has_a_key_of_its_own(admin: AdminSession) -> None:
    url = f"{WALLETS}{a_client().wallet_id}/adjust/"

    keys = {admin.get(url).response.context["form"]["key"].value() for _ in range(3)}

    assert len(keys) == 3


def test_a_form_that_is_sent_again_with_other_values_is_refused(admin: AdminSession) -> None:
    holder, key = a_client(holds="10.00"), str(uuid.uuid4())
    adjust(admin, holder, key=key)

    page = adjust(admin, holder, key=key, amount="7.00")

    assert "This form was sent before, with other values." in page.text
    assert holder.balance_minor == 1_500
    fresh = page.response.context["form"]["key"].value()
    adjust(admin, holder, key=fresh, amount="7.00")
    assert holder.balance_minor == 2_200


def test_a_refused_adjustment_is_on_record_and_moves_nothing(
    admin: AdminSession, operator: User
) -> None:
    holder, key = a_client(holds="10.00"), str(uuid.uuid4())

    pages = [adjust(admin, holder, direction="out", amount="10.01", key=key) for _ in range(2)]

    refused = "Adjustment refused: The wallet does not hold enough."
    assert all(refused in page.text for page in pages)
    assert holder.balance_minor == 1_000
    [failed] = adjustments()
    assert failed.failure_code == "insufficient_funds"
    assert (failed.summary, failed.actor_id) == ("Ticket 42", operator.pk)
    assert [action.result for action in actions()] == [refused]


def test_a_frozen_wallet_is_not_adjusted(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    freeze(holder)

    page = adjust(admin, holder)

    assert "A wallet is frozen or closed." in page.text
    assert holder.balance_minor == 1_000
    assert [row.failure_code for row in adjustments()] == ["wallet_not_active"]


@pytest.mark.parametrize(("field", "value", "error"), WRONG)
def test_an_invalid_value_is_an_error_of_its_field(
    admin: AdminSession, field: str, value: str, error: str
) -> None:
    holder = a_client(holds="10.00")

    page = adjust(admin, holder, **{field: value})

    assert error in page.errors(field)
    assert holder.balance_minor == 1_000
    assert adjustments() == []
    assert not IdempotencyRecord.objects.exists()
    assert not actions().exists()


def test_an_adjustment_has_the_request_id(admin: AdminSession) -> None:
    holder = a_client(holds="10.00")
    url = f"{WALLETS}{holder.wallet_id}/adjust/"
    form = {"direction": "in", "amount": "1", "reason": "Ticket 1", "key": str(uuid.uuid4())}

    admin.client.post(url, form, headers={"X-Request-ID": "req-77"})

    assert [row.request_id for row in adjustments()] == ["req-77"]
