"""Support actions: recorded completely, searchable and never changed."""

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import Client

from accounts.models import Action, Role, SupportAction, User
from tests.factories import UserFactory, a_client, a_company
from tests.hashing import hashed
from tests.support.admin_session import CUSTOMERS, WALLETS, AdminSession, admin_session_of

pytestmark = pytest.mark.usefixtures("books")

PASSWORD = "correct-horse-7"
LOG_IN = "/admin/login/"
LIST = "/admin/accounts/supportaction/"


def recorded() -> list[tuple[object, ...]]:
    rows = SupportAction.objects.order_by("id")
    return list(rows.values_list("action", "actor_id", "subject_kind", "subject_id"))


def test_log_ins_of_operators_are_recorded_and_unknown_names_are_not() -> None:
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


def test_views_of_personal_data_are_recorded(admin: AdminSession, operator: User) -> None:
    holder = a_company()

    admin.get(f"{CUSTOMERS}{holder.user.pk}/change/")
    admin.get(f"{WALLETS}{holder.wallet_id}/change/")
    admin.get(CUSTOMERS)

    assert recorded() == [
        (Action.VIEW, operator.pk, "user", str(holder.user.pk)),
        (Action.VIEW, operator.pk, "wallet", str(holder.wallet_id)),
    ]


def test_changes_of_assets_are_recorded(admin: AdminSession, operator: User) -> None:
    admin.post("/admin/wallets/asset/EUR/change/", name="Euros", reason="A typo")
    admin.post("/admin/wallets/asset/EUR/change/", name="Euro", reason="It was none")

    assert recorded() == [(Action.CHANGE, operator.pk, "asset", "EUR")] * 2
    assert list(SupportAction.objects.order_by("id").values_list("reason", "result")) == [
        ("A typo", "Name: Euro, now Euros"),
        ("It was none", "Name: Euros, now Euro"),
    ]


def test_a_new_asset_is_recorded_with_its_reason(admin: AdminSession, operator: User) -> None:
    admin.post(
        "/admin/wallets/asset/add/", symbol="CORAL", name="Corals", decimals="0", reason="Season 4"
    )

    assert recorded() == [(Action.ADD, operator.pk, "asset", "CORAL")]
    assert SupportAction.objects.get().reason == "Season 4"


def test_an_action_is_found_by_actor_subject_and_request(
    admin: AdminSession, operator: User
) -> None:
    holder, other = a_client(), a_client()
    admin.client.post(
        f"{WALLETS}{holder.wallet_id}/freeze/",
        {"reason": "The phone was stolen"},
        headers={"X-Request-ID": "req-6"},
    )
    admin_session_of(operator).freeze(other.wallet_id, reason="Another one")

    for text in (str(holder.wallet_id), "req-6"):
        page = admin.get(LIST, q=text)
        assert [row.reason for row in page.rows if row.action == Action.FREEZE] == [
            "The phone was stolen"
        ], text
    by_operator = admin.get(LIST, q=operator.email.upper(), action="freeze")
    assert len(by_operator.rows) == 2
    assert operator.email in by_operator.text
    page = admin.get(f"{LIST}{by_operator.ids[0]}/change/")
    assert "127.0.0.1" in page.text


def test_an_objects_history_redirects_to_its_support_actions(admin: AdminSession) -> None:
    holder = a_client()

    answer = admin.client.get(f"{WALLETS}{holder.wallet_id}/history/")

    assert answer.headers["Location"] == f"{LIST}?q={holder.wallet_id}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_supportaction SET reason = 'x'",
        "DELETE FROM accounts_supportaction",
        "TRUNCATE accounts_supportaction",
    ],
)
def test_support_actions_cannot_be_rewritten(
    admin: AdminSession, owner_dsn: str, statement: str
) -> None:
    admin.get(f"{CUSTOMERS}{a_client().user.pk}/change/")

    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
    with psycopg.connect(owner_dsn) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute(statement)

    assert len(recorded()) == 1


def test_the_app_role_cannot_write_djangos_admin_log() -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM django_admin_log")


@pytest.mark.parametrize("verb", ["add", "1/change", "1/delete"])
def test_support_actions_cannot_be_added_or_changed_in_the_admin(
    admin: AdminSession, verb: str
) -> None:
    answer = admin.client.post(f"{LIST}{verb}/", {"action": "view"})

    assert answer.status_code in (302, 403)
    assert recorded() == []


def test_the_second_page_continues_after_the_first(admin: AdminSession) -> None:
    holder = a_company()
    for _ in range(60):
        admin.get(f"{CUSTOMERS}{holder.user.pk}/change/")

    first = admin.get(LIST)
    assert first.next_url is not None
    second = admin.get(LIST + first.next_url)

    assert (first.status, second.status) == (200, 200)
    assert len({*first.ids, *second.ids}) == len(first.ids) + len(second.ids) >= 60
