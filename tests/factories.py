"""Factories: accounts, and wallets that are filled through the ledger."""

import uuid
from dataclasses import dataclass

from factory.declarations import Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.models import Client, Company, Role, User
from accounts.services import open_session
from commerce.cash import deposit
from core.unit_of_work import unit_of_work
from tests.http_client import Api
from wallets.models import Status, Wallet
from wallets.services import open_cash_wallet, set_status

PHONE = "+34666666666"


class UserFactory(DjangoModelFactory[User]):
    """A user without a usable password, because hashing one takes time."""

    class Meta:
        model = User

    email = Sequence(lambda n: f"user{n}@example.com")
    password = "!"
    role = Role.CLIENT


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
    return UserFactory.create(role=Role.OPERATOR)


def api_of(user: User) -> Api:
    """Return an API client with a new token of the user."""
    return Api(unit_of_work(lambda: open_session(user)).token)


def freeze(holder: Holder) -> None:
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.FROZEN, reason="Test", actor=None)
    )


def _holder(user: User, holds: str | None, currency: str) -> Holder:
    wallet = unit_of_work(lambda: open_cash_wallet(user, currency))
    if holds is not None:
        unit_of_work(lambda: deposit(user, wallet_id=wallet.id, amount=holds))
    return Holder(user, api_of(user), wallet.id)
