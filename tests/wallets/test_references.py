"""Wallet references: constant fields of a wallet are cached, its balance and status are not."""

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import CompanyFactory, a_client, a_company, api_of, freeze
from tests.races import race
from wallets import references
from wallets.errors import NoWallet, WalletNotFound
from wallets.references import company_wallet_ref, own_wallet_ref, wallet_ref, wallet_refs

pytestmark = pytest.mark.usefixtures("books")


def test_a_wallet_is_looked_up_once() -> None:
    holder = a_client(holds="5.00")
    cached = wallet_ref(holder.wallet_id)

    with CaptureQueriesContext(connection) as queries:
        again = own_wallet_ref(holder.user, holder.wallet_id)

    assert (again.id, again.owner_id, again.asset_id) == (cached.id, holder.user.id, "USD")
    assert len(queries) == 0


def test_a_cached_wallet_that_was_frozen_is_refused() -> None:
    payer, company = a_client(holds="5.00"), a_company()
    body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    assert company.api.post("/wallet/charge", body).status == 200

    freeze(payer)

    reply = company.api.post("/wallet/charge", body)
    assert (reply.status, reply.code) == (409, "wallet_not_active")
    assert (payer.wallet.balance_minor, company.wallet.balance_minor) == (400, 100)


def test_another_owner_does_not_find_a_cached_wallet() -> None:
    holder, other = a_client(holds="5.00"), a_client()
    own_wallet_ref(holder.user, holder.wallet_id)

    with pytest.raises(WalletNotFound):
        own_wallet_ref(other.user, holder.wallet_id)


def test_a_cached_wallet_that_a_restored_database_lacks_is_not_found(owner_dsn: str) -> None:
    # Given a company whose process knows its wallet, and a payer
    company, payer = a_company(), a_client(holds="5.00")
    body = {"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"}
    company_wallet_ref(company.user)

    # When the database is restored to a state before that wallet
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM wallets_wallet WHERE id = %s", [company.wallet_id])

    # Then a charge is refused and nothing moves, and a new wallet is found
    assert company.api.post("/wallet/charge", body).code == "not_found"
    assert company.api.post("/wallet/charge", body).code == "no_wallet"
    assert payer.balance_minor == 500
    assert company.api.post("/wallet/create", {}).status == 201
    assert company.api.post("/wallet/charge", body).status == 200


def test_a_missing_company_wallet_is_not_cached() -> None:
    company = CompanyFactory.create().user
    with pytest.raises(NoWallet):
        company_wallet_ref(company)

    token = api_of(company).post("/wallet/create", {}).json["wallet"]

    assert str(company_wallet_ref(company).id) == token


def test_many_are_found_while_other_threads_fill_a_small_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(references, "_KEPT", 8)
    wallets = [a_client().wallet_id for _ in range(24)]

    def look(number: int) -> None:
        for start in range(60):
            some = [wallets[(number + start + each) % 24] for each in range(12)]
            assert set(wallet_refs(some)) == set(some)
            assert wallet_ref(some[0]).id == some[0]

    race(6, look)
