"""Factories: accounts, and wallets that are filled through the ledger."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.models import Client, Company, OperatorKind, Role, User
from accounts.services import open_session
from commerce.cash import open_wallet
from commerce.movements import move
from core.unit_of_work import unit_of_work
from ledger.orders import Order, Outcome
from tests.http_client import Api, Reply
from wallets.assets import create_asset
from wallets.models import Status, Wallet
from wallets.services import set_status

PHONE = "+34666666666"


def _kind_of(user: Any) -> OperatorKind | None:
    if user.role != Role.OPERATOR:
        return None
    return OperatorKind.PLATFORM if user.password.startswith("!") else OperatorKind.STAFF


class UserFactory(DjangoModelFactory[User]):
    """A user without a usable password, because hashing one takes time.

    An operator is a platform, or with a password staff, unless a test says otherwise.
    """

    class Meta:
        model = User

    email = Sequence(lambda n: f"user{n}@example.com")
    password = "!"
    role = Role.CLIENT
    operator_kind = LazyAttribute(_kind_of)


class ClientFactory(DjangoModelFactory[Client]):
    class Meta:
        model = Client

    user = SubFactory(UserFactory, role=Role.CLIENT)
    first_name = "Ada"
    last_name = "Lovelace"
    phone_number = PHONE


class CompanyFactory(DjangoModelFactory[Company]):
    class Meta:
        model = Company

    user = SubFactory(UserFactory, role=Role.COMPANY)
    name = "Corner Shop"
    url = "https://shop.example.com"
    first_name = "Ada"
    last_name = "Lovelace"
    phone_number = PHONE


def carry_out(order: Callable[..., Order], actor: User, **fields: Any) -> Outcome:
    """Order a movement of the actor's, and move the money."""
    return unit_of_work(lambda: move(order(actor, **fields), actor))


@dataclass(frozen=True)
class Holder:
    """An account with a token and a wallet."""

    user: User
    api: Api
    wallet_id: uuid.UUID

    @property
    def wallet(self) -> Wallet:
        return Wallet.objects.get(pk=self.wallet_id)

    @property
    def balance_minor(self) -> int:
        return self.wallet.balance_minor or 0


def a_client(*, holds: str | None = None, currency: str = "USD") -> Holder:
    """Return a client with a wallet that holds an amount such as `"100.00"`."""
    return _holder(ClientFactory.create().user, holds, currency)


def a_company(*, holds: str | None = None, currency: str = "USD") -> Holder:
    """Return a company with its wallet."""
    return _holder(CompanyFactory.create().user, holds, currency)


def an_operator() -> User:
    """Return a platform's server, the operator that most calls are for."""
    return UserFactory.create(role=Role.OPERATOR)


def a_staff_member() -> User:
    """Return one of the staff, who may enter the admin; without a password, as all users here."""
    return UserFactory.create(role=Role.OPERATOR, operator_kind=OperatorKind.STAFF)


def api_of(user: User) -> Api:
    """Return an API client with a new token of the user."""
    return Api(unit_of_work(lambda: open_session(user)).token)


def a_paytoken(holder: Holder, **fields: Any) -> str:
    """Return a pay token for the holder's wallet, as its owner shows it: `pt_…`."""
    reply = holder.api.post("/paytokens", {"wallet": str(holder.wallet_id), **fields})
    assert reply.status == 201, reply.json
    return str(reply.json["paytoken"])


def set_charges(holder: Holder, charges: str) -> None:
    """Say who may charge the holder's wallet by its token."""
    body = json.dumps({"charges": charges}).encode()
    reply = holder.api.call("PATCH", f"/wallet/info/{holder.wallet_id}", body)
    assert (reply.status, reply.json["charges"]) == (200, charges)


def charge(company: Holder, amount: Any, **payer: Any) -> Reply:
    """Let the company charge a payer: `wallet` or `paytoken`."""
    body = {"amount": amount, "summary": "Tea", **{name: str(each) for name, each in payer.items()}}
    return company.api.post("/wallet/charge", body)


def freeze(holder: Holder) -> None:
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.FROZEN, reason="Test", actor=None)
    )


def an_uncashed_asset(symbol: str, name: str) -> None:
    """Have an asset of two decimals that only operators put into wallets."""
    create_asset(symbol=symbol, name=name, decimals=2, is_cash=False)


def a_holder_of_little() -> Holder:
    """Return a client who after three movements has 0.00000042 of an asset of eight decimals."""
    create_asset(symbol="MILLI", name="Thousandths", decimals=8, is_cash=True)
    client, other = a_client(currency="MILLI"), a_client(currency="MILLI")
    wallet = str(client.wallet_id)
    for amount in ("0.00000042", "0.00000001"):
        body = {"wallet": wallet, "amount": amount}
        assert client.api.post("/wallet/deposit", body).status == 200
    body = {"source": wallet, "target": str(other.wallet_id), "amount": "0.00000001"}
    assert client.api.post("/wallet/transfer", body).status == 200
    return client


def _holder(user: User, holds: str | None, currency: str) -> Holder:
    wallet = unit_of_work(lambda: open_wallet(user, currency=currency, balance=holds or "0"))
    return Holder(user, api_of(user), wallet.id)
