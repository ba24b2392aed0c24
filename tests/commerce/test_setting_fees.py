"""`/company/<id>/fee`: what a company pays for each charge, as operators set it."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Action, SupportAction, User
from core.unit_of_work import unit_of_work
from tests.factories import (
    CompanyFactory,
    Holder,
    a_client,
    a_company,
    a_staff_member,
    an_operator,
    api_of,
    freeze,
)
from tests.http_client import Api, Reply
from wallets.assets import create_asset
from wallets.models import Fee, Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")

NO_FEE = {"percent": None, "fixed": None, "min": None, "max": None}


@pytest.fixture
def operator(books: None) -> User:
    return an_operator()


@pytest.fixture
def api(operator: User) -> Api:
    return api_of(operator)


def path_of(holder: Holder) -> str:
    return f"/company/{holder.user.pk}/fee"


def put(api: Api, holder: Holder, **fee: Any) -> Reply:
    return api.call("PUT", path_of(holder), json.dumps(fee).encode())


def test_a_fee_is_set_read_and_removed(api: Api) -> None:
    company = a_company()

    before = api.get(path_of(company))
    given = put(api, company, percent="2.5000", fixed="0.3", min=0.5, max=10)
    read = [each.get(path_of(company)) for each in (api, company.api)]
    removed = [api.call("DELETE", path_of(company)).status for _ in range(2)]

    assert (before.status, before.json) == (200, NO_FEE)
    assert (given.status, given.json) == (200, {
        "percent": "2.5", "fixed": Decimal("0.30"), "min": Decimal("0.50"), "max": 10,
    })  # fmt: skip
    assert [reply.raw for reply in read] == [given.raw] * 2
    assert removed == [204, 204]
    assert company.api.get(path_of(company)).json == NO_FEE


def test_a_put_replaces_all_of_it(api: Api) -> None:
    company = a_company()
    put(api, company, percent="2.5", fixed="0.30", min="0.50", max="10")

    reply = put(api, company, fixed=0, max=None)

    assert reply.json == {"percent": "0", "fixed": 0, "min": None, "max": None}


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.0001", "0.0001"),
        (100, "100"),
        ("100.0000", "100"),
        (1.25, "1.25"),
        ("07.10", "7.1"),
    ],
)
def test_a_percentage_is_shown_without_zeros_at_its_end(percent: Any, shown: str, api: Api) -> None:
    company = a_company()

    assert put(api, company, percent=percent).json["percent"] == shown
    assert api.get(path_of(company)).json["percent"] == shown


def test_amounts_are_in_the_asset_of_the_companys_wallet(api: Api) -> None:
    create_asset(symbol="YEN", name="Yen", decimals=0, is_cash=True)
    company = a_company(currency="YEN")

    given = put(api, company, fixed="30")
    refused = put(api, company, fixed="30.5")

    assert given.raw == b'{"percent":"0","fixed":30,"min":null,"max":null}'
    assert (refused.status, list(refused.json["details"])) == (422, ["fixed"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "percent"),
        (NO_FEE, "percent"),
        ({"percent": "1.00000"}, "percent"),
        ({"percent": "100.0001"}, "percent"),
        ({"percent": "-0.1"}, "percent"),
        ({"percent": "1e1"}, "percent"),
        ({"percent": ""}, "percent"),
        ({"fixed": "-1"}, "fixed"),
        ({"fixed": "0.001"}, "fixed"),
        ({"min": "9" * 20}, "min"),
        ({"min": "2.01", "max": "2"}, "min"),
        ({"max": True}, "max"),
        ({"percent": "1", "colour": 1}, "colour"),
    ],
)
def test_an_invalid_fee_changes_nothing(body: Any, field: str, api: Api) -> None:
    company = a_company()
    put(api, company, percent="1")

    reply = put(api, company, **body)

    assert (reply.status, reply.code, list(reply.json["details"])) == (
        422, "validation_error", [field],
    )  # fmt: skip
    assert api.get(path_of(company)).json["percent"] == "1"
    assert SupportAction.objects.filter(action=Action.FEE_SET).count() == 1


def test_a_company_without_a_wallet_has_nothing_to_pay_from(api: Api) -> None:
    company = CompanyFactory.create().user
    path = f"/company/{company.pk}/fee"

    reply = api.call("PUT", path, b'{"percent": "1"}')

    assert (reply.status, reply.code) == (409, "no_wallet")
    assert api.get(path).json == NO_FEE
    assert api.call("DELETE", path).status == 204
    assert not Fee.objects.exists()


def test_a_frozen_wallets_fee_can_be_set_and_a_closed_ones_cannot(api: Api) -> None:
    frozen, closed = a_company(), a_company()
    freeze(frozen)
    unit_of_work(
        lambda: set_status(closed.wallet_id, status=Status.CLOSED, reason="Test", actor=None)
    )

    replies = [put(api, company, percent="1") for company in (frozen, closed)]

    assert [reply.status for reply in replies] == [200, 409]
    assert replies[1].code == "wallet_closed"
    assert [fee.wallet_id for fee in Fee.objects.all()] == [frozen.wallet_id]


def test_other_accounts_and_those_that_left_have_no_fee(api: Api, operator: User) -> None:
    client, gone = a_client(), a_company()
    put(api, gone, percent="1")
    assert api.call("DELETE", f"/customer/{gone.user.pk}").status == 204
    paths = [f"/company/{key}/fee" for key in (uuid.uuid4(), client.user.pk, operator.pk)]

    replies = [
        reply
        for path in (*paths, path_of(gone))
        for reply in (
            api.get(path), api.call("PUT", path, b'{"percent": "9"}'), api.call("DELETE", path),
        )
    ]  # fmt: skip

    assert [(reply.status, reply.code) for reply in replies] == [(404, "not_found")] * 12
    # Support still finds what a company paid before it left.
    assert [str(fee.percent) for fee in Fee.objects.all()] == ["1.0000"]


def test_a_company_sees_its_own_fee_alone_and_sets_none(api: Api) -> None:
    company, other, client = a_company(), a_company(), a_client()
    put(api, company, percent="1")

    reads = [caller.api.get(path_of(company)) for caller in (company, other, client)]
    writes = [
        caller.api.call(method, path_of(company), b'{"percent": "0"}' if method == "PUT" else b"")
        for caller in (company, other, client)
        for method in ("PUT", "DELETE")
    ]

    assert [reply.status for reply in reads] == [200, 403, 403]
    assert [(reply.status, reply.code) for reply in writes] == [(403, "permission_denied")] * 6
    assert api.get(path_of(company)).json["percent"] == "1"


def test_a_change_is_a_support_action(api: Api, operator: User) -> None:
    company, staff = a_company(), a_staff_member()

    put(api, company, percent="2.5", fixed="0.30", min="0.50", max=1000)
    put(api_of(staff), company, percent=3)
    api.call("DELETE", path_of(company))
    api.call("DELETE", path_of(company))

    actions = SupportAction.objects.filter(action__in=("fee_set", "fee_removed")).order_by("id")
    assert [
        (each.action, each.actor_id, each.subject_id, each.address, each.result)
        for each in actions
    ] == [
        (
            action, who.pk, str(company.user.pk), "127.0.0.1", f"Fee: {before}, now {after}",
        )
        for action, who, before, after in (
            ("fee_set", operator, "none",
             "2.5 %, fixed 0.30, at least 0.50, at most 1,000.00 USD"),
            ("fee_set", staff,
             "2.5 %, fixed 0.30, at least 0.50, at most 1,000.00 USD", "3 %"),
            ("fee_removed", operator, "3 %", "none"),
        )
    ]  # fmt: skip
