"""The record of what operators do: complete, found again, and never changed."""

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import Client

from accounts.models import Action, Role, SupportAction, User
from tests.factories import UserFactory, a_client, a_company
from tests.hashing import hashed
from tests.support.desk import CUSTOMERS, WALLETS, Desk, desk_of

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"
LOG_IN = "/admin/login/"
LIST = "/admin/accounts/supportaction/"


def recorded() -> list[tuple[object, ...]]:
    rows = SupportAction.objects.order_by("id")
    return list(rows.values_list("action", "actor_id", "subject_kind", "subject_id"))


def test_log_ins_are_on_record_and_what_strangers_type_is_not() -> None:
    user = UserFactory.create(role=Role.OPERATOR, password=hashed(PASSWORD))
    a_client()
    client = Client(REMOTE_ADDR="10.1.2.3")
    headers = {"X-Request-ID": "req-5"}

    for email, password in (
        (user.email, "wrong"),
        ("hunter2", "x"),
        (a_client().user.email, "x"),
        (user.email, PASSWORD),
    ):
        client.post(LOG_IN, {"username": email, "password": password}, headers=headers)
    client.post("/admin/logout/")

    assert recorded() == [
        (Action.LOG_IN_FAILED, None, "user", str(user.pk)),
        (Action.LOG_IN, user.pk, "user", str(user.pk)),
        (Action.LOG_OUT, user.pk, "user", str(user.pk)),
    ]
    first = SupportAction.objects.earliest("id")
    assert (first.address, first.request_id) == ("10.1.2.3", "req-5")


def test_who_looked_at_whom_is_on_record(desk: Desk, operator: User) -> None:
    holder = a_company()

    desk.get(f"{CUSTOMERS}{holder.user.pk}/change/")
    desk.get(f"{WALLETS}{holder.wallet_id}/change/")
    desk.get(CUSTOMERS)

    assert recorded() == [
        (Action.VIEW, operator.pk, "user", str(holder.user.pk)),
        (Action.VIEW, operator.pk, "wallet", str(holder.wallet_id)),
    ]


def test_assets_that_are_added_and_renamed_are_on_record(desk: Desk, operator: User) -> None:
    desk.post("/admin/wallets/asset/EUR/change/", name="Euros")
    desk.post("/admin/wallets/asset/EUR/change/", name="Euro")

    assert recorded() == [(Action.CHANGE, operator.pk, "asset", "EUR")] * 2


def test_a_deed_is_found_by_who_to_whom_and_request(desk: Desk, operator: User) -> None:
    holder, other = a_client(), a_client()
    desk.client.post(
        f"{WALLETS}{holder.wallet_id}/freeze/",
        {"reason": "The phone was stolen"},
        headers={"X-Request-ID": "req-6"},
    )
    desk_of(operator).freeze(other.wallet_id, reason="Another one")

    for text in (str(holder.wallet_id), "req-6"):
        page = desk.get(LIST, q=text)
        assert [row.reason for row in page.rows if row.action == Action.FREEZE] == [
            "The phone was stolen"
        ], text
    by_operator = desk.get(LIST, q=operator.email.upper(), action="freeze")
    assert len(by_operator.rows) == 2
    assert operator.email in by_operator.text
    page = desk.get(f"{LIST}{by_operator.ids[0]}/change/")
    assert "127.0.0.1" in page.text


def test_an_objects_history_leads_to_it(desk: Desk) -> None:
    holder = a_client()

    answer = desk.client.get(f"{WALLETS}{holder.wallet_id}/history/")

    assert answer.headers["Location"] == f"{LIST}?q={holder.wallet_id}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_supportaction SET reason = 'x'",
        "DELETE FROM accounts_supportaction",
        "TRUNCATE accounts_supportaction",
    ],
)
def test_nobody_rewrites_it(desk: Desk, owner_dsn: str, statement: str) -> None:
    desk.get(f"{CUSTOMERS}{a_client().user.pk}/change/")

    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
    with psycopg.connect(owner_dsn) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute(statement)

    assert len(recorded()) == 1


def test_nothing_is_written_to_the_log_that_can_be_changed() -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM django_admin_log")


@pytest.mark.parametrize("verb", ["add", "1/change", "1/delete"])
def test_it_is_not_written_by_hand(desk: Desk, verb: str) -> None:
    answer = desk.client.post(f"{LIST}{verb}/", {"action": "view"})

    assert answer.status_code in (302, 403)
    assert recorded() == []


def test_the_second_page_goes_on_where_the_first_one_ends(desk: Desk) -> None:
    holder = a_company()
    for _ in range(60):
        desk.get(f"{CUSTOMERS}{holder.user.pk}/change/")

    first = desk.get(LIST)
    assert first.next_url is not None
    second = desk.get(LIST + first.next_url)

    assert (first.status, second.status) == (200, 200)
    assert len({*first.ids, *second.ids}) == len(first.ids) + len(second.ids) >= 60
