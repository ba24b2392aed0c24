"""Wallets and assets in the admin: searched, frozen and unfrozen with a recorded reason."""

import uuid

import pytest

from accounts.models import SupportAction, User
from core.unit_of_work import unit_of_work
from ledger.models import Transaction
from tests.clock import Clock
from tests.factories import a_client, a_company, freeze
from tests.ledger.holds import place_hold
from tests.support.admin_session import ASSETS, WALLETS, AdminSession
from wallets.assets import system_wallet_id
from wallets.models import Asset, Purpose, Status, StatusChange, Wallet
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")

FUNDING = system_wallet_id("USD", Purpose.FUNDING)


def test_a_wallet_is_found_by_its_token_and_by_its_owner(admin: AdminSession) -> None:
    holder, _other = a_client(), a_client()
    queries = (str(holder.wallet_id), holder.user.email.upper(), str(holder.user.pk))

    found = [admin.get(WALLETS, q=text).ids for text in queries]

    assert found == [[str(holder.wallet_id)]] * 3
    assert admin.get(WALLETS, q="nobody@example.com").rows == []


def test_wallets_are_listed_by_status_and_asset(admin: AdminSession) -> None:
    frozen, unfrozen, euros = a_client(), a_client(), a_client(currency="EUR")
    freeze(frozen)
    freeze(unfrozen)
    admin.unfreeze(unfrozen.wallet_id, reason="Paid")

    assert admin.get(WALLETS, status="frozen").ids == [str(frozen.wallet_id)]
    assert str(unfrozen.wallet_id) in admin.get(WALLETS, status="active").ids
    assert str(euros.wallet_id) in admin.get(WALLETS, asset_id="EUR").ids
    assert str(frozen.wallet_id) not in admin.get(WALLETS, asset_id="EUR").ids


def test_a_wallet_shows_its_balance_in_major_units(admin: AdminSession) -> None:
    holder = a_client(holds="1250.50")

    page = admin.get(f"{WALLETS}{holder.wallet_id}/change/")

    assert "1,250.50 USD" in page.text
    assert holder.user.email in page.text


def test_the_list_takes_as_many_queries_for_many_wallets(admin: AdminSession) -> None:
    a_client()
    few = admin.queries(WALLETS)
    for _ in range(5):
        a_client()

    assert len(admin.queries(WALLETS)) == len(few)


def test_freezing_needs_a_reason(admin: AdminSession) -> None:
    holder = a_client()

    for reason in ("", "  ", "x" * 501):
        page = admin.freeze(holder.wallet_id, reason=reason)
        assert page.errors("reason"), reason

    assert holder.wallet.status == Status.ACTIVE
    assert not StatusChange.objects.exists()
    assert not SupportAction.objects.exclude(action="view").exists()


def test_freezing_records_reason_and_actor(admin: AdminSession, operator: User) -> None:
    holder = a_client(holds="10.00")

    frozen = admin.freeze(holder.wallet_id, reason="The phone was stolen")
    refused = holder.api.post(
        "/wallet/withdraw", {"wallet": str(holder.wallet_id), "amount": "1.00"}
    )
    unfrozen = admin.unfreeze(holder.wallet_id, reason="Found again")

    assert "The wallet is frozen now." in frozen.text
    assert "The wallet is active now." in unfrozen.text
    assert refused.code == "wallet_not_active"
    changes = StatusChange.objects.order_by("id").values_list("status", "reason", "actor")
    assert list(changes) == [
        ("frozen", "The phone was stolen", operator.pk),
        ("active", "Found again", operator.pk),
    ]
    assert "The phone was stolen" in unfrozen.text
    logged = SupportAction.objects.order_by("id").exclude(action="view")
    assert list(logged.values_list("actor_id", "action", "subject_id", "reason")) == [
        (operator.pk, "freeze", str(holder.wallet_id), "The phone was stolen"),
        (operator.pk, "unfreeze", str(holder.wallet_id), "Found again"),
    ]


def test_a_closed_wallet_stays_closed(admin: AdminSession) -> None:
    holder = a_client()
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.CLOSED, reason="Left", actor=None)
    )

    page = admin.unfreeze(holder.wallet_id, reason="Came back")

    assert "The wallet is closed, for good." in page.text
    assert holder.wallet.status == Status.CLOSED
    assert not SupportAction.objects.exclude(action="view").exists()


def test_only_available_actions_have_buttons(admin: AdminSession) -> None:
    active, frozen = a_client(), a_company()
    freeze(frozen)

    def buttons(wallet_id: uuid.UUID) -> set[str]:
        content = admin.get(f"{WALLETS}{wallet_id}/change/").response.content.decode()
        names = ("freeze", "unfreeze", "adjust")
        return {name for name in names if f"/{wallet_id}/{name}/" in content}

    assert buttons(active.wallet_id) == {"freeze", "adjust"}
    assert buttons(frozen.wallet_id) == {"unfreeze", "adjust"}
    assert buttons(FUNDING) == set()


@pytest.mark.parametrize("verb", ["freeze", "unfreeze", "adjust"])
@pytest.mark.parametrize("wallet_id", [FUNDING, uuid.UUID(int=5), "nonsense"])
def test_system_and_missing_wallets_have_no_actions(
    admin: AdminSession, verb: str, wallet_id: object
) -> None:
    assert admin.post(f"{WALLETS}{wallet_id}/{verb}/", reason="Why not").status == 404


def test_a_new_asset_has_its_system_wallets(admin: AdminSession) -> None:
    page = admin.post(
        f"{ASSETS}add/", symbol="PEARL", name="Pearls", decimals="0", reason="Season 4"
    )

    assert page.status == 200
    asset = Asset.objects.get(symbol="PEARL")
    assert (asset.name, asset.decimals, asset.is_cash) == ("Pearls", 0, False)
    purposes = Wallet.objects.filter(asset=asset).values_list("purpose", flat=True)
    assert set(purposes) == set(Purpose.values)


@pytest.mark.parametrize(
    ("field", "value"),
    [("symbol", "pearl"), ("symbol", "A-B"), ("symbol", "USD"), ("decimals", "9"), ("reason", " ")],
)
def test_an_invalid_asset_is_refused(admin: AdminSession, field: str, value: str) -> None:
    before = Asset.objects.count()
    fields = {
        "symbol": "RUBY",
        "name": "Rubies",
        "decimals": "2",
        "reason": "Season 4",
        field: value,
    }

    page = admin.post(f"{ASSETS}add/", **fields)

    assert page.response.context["adminform"].form.errors
    assert Asset.objects.count() == before


def test_only_the_name_of_an_asset_can_change(admin: AdminSession) -> None:
    other = {"symbol": "EURO", "decimals": "5", "is_cash": ""}
    admin.post(f"{ASSETS}EUR/change/", name="Euros", reason="A typo", **other)
    renamed = Asset.objects.get(symbol="EUR")
    admin.post(f"{ASSETS}EUR/change/", name="Euro", reason="It was none")

    assert (renamed.name, renamed.decimals, renamed.is_cash) == ("Euros", 2, True)
    assert Asset.objects.get(symbol="EUR").name == "Euro"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_the_name_of_an_asset_needs_a_reason(admin: AdminSession, reason: str) -> None:
    page = admin.post(f"{ASSETS}EUR/change/", name="Euros", reason=reason)

    assert page.response.context["adminform"].form.errors["reason"]
    assert Asset.objects.get(symbol="EUR").name == "Euro"
    assert not SupportAction.objects.exists()


def test_what_is_no_cash_is_said_in_words(admin: AdminSession) -> None:
    admin.post(f"{ASSETS}add/", symbol="AMBER", name="Amber", decimals="0", reason="Season 4")

    listed = admin.get(ASSETS)
    pages = [admin.get(f"{ASSETS}{symbol}/change/") for symbol in ("AMBER", "USD")]

    assert "Amber 0 no cash" in listed.text
    assert "US dollar 2 cash" in listed.text
    assert ["Cash no cash" in page.text for page in pages] == [True, False]
    assert "Cash cash" in pages[1].text
    for page in (listed, *pages):
        assert "close_small" not in page.response.content.decode()


def test_a_wallet_shows_what_is_held_at_the_moment(admin: AdminSession, clock: Clock) -> None:
    guest, hotel = a_client(holds="10.00"), a_company()
    place_hold(guest, hotel, 431, 600)
    page = f"{WALLETS}{guest.wallet_id}/change/"

    before = admin.get(page).text
    clock.move(600)
    after = admin.get(page).text

    assert "4.31" in before
    assert "5.69" in before
    # The ledger still says that it was held, and nobody has released it.
    assert "Held 0.00" in after
    assert "Available 10.00" in after
    assert not Transaction.objects.filter(kind="release").exists()
