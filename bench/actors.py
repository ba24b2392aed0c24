"""Who takes part: payers with money, companies that charge them, clients who deposit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accounts.models import Client, Role, User
from accounts.services import create_operator, open_session
from bench.seeding import write_customers
from core.unit_of_work import unit_of_work
from intake.customers.imports import import_customers
from ledger.kinds import Kind
from ledger.post import Order, post
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Purpose, Wallet
from wallets.services import open_cash_wallet

#: So much is in each payer's wallet that no bench runs out of it.
_FILLING_MINOR = 10**11
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token, and a wallet."""

    user_id: uuid.UUID
    token: str
    wallet_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Actors:
    """Everybody. Of the payers, only their wallets are known."""

    payers: Sequence[uuid.UUID]
    companies: Sequence[Caller]
    clients: Sequence[Caller]
    customer_ids: Sequence[str]
    operator_token: str


def make_actors(data_dir: Path, *, payers: int, others: int) -> Actors:
    """Import the payers, fill their wallets, and sign so many companies and clients up."""
    source = data_dir / "payers.jsonl"
    write_customers(source, payers, first=10**9)
    import_customers(str(source))
    wallets = list(Wallet.objects.filter(owner_id__isnull=False).values_list("id", flat=True))
    funding = system_wallet_id(DEFAULT_CURRENCY, Purpose.FUNDING)
    for first in range(0, len(wallets), _BATCH):
        orders = [
            Order(Kind.DEPOSIT, funding, wallet, _FILLING_MINOR, DEFAULT_CURRENCY)
            for wallet in wallets[first : first + _BATCH]
        ]
        unit_of_work(lambda: post(orders))  # noqa: B023 (runs at once)
    return Actors(
        wallets,
        callers(Role.COMPANY, others),
        callers(Role.CLIENT, others),
        [str(pk) for pk in Client.objects.values_list("pk", flat=True)],
        unit_of_work(lambda: create_operator("operator@example.com")).token,
    )


def callers(role: Role, count: int) -> list[Caller]:
    """Make users with a token and an empty wallet each."""

    def make() -> list[Caller]:
        made = []
        for _ in range(count):
            # Nobody logs in: a password's hash would only take its time.
            user = User(email=f"{uuid.uuid4()}@example.com", role=role, password="!")
            user.save()
            wallet = open_cash_wallet(user, DEFAULT_CURRENCY)
            made.append(Caller(user.pk, open_session(user).token, wallet.id))
        return made

    return unit_of_work(make)


def empty_wallets(role: Role, count: int) -> list[uuid.UUID]:
    """Make users who never call, with an empty wallet each; return the wallets."""
    users = [
        User(email=f"{uuid.uuid4()}@example.com", role=role, password="!") for _ in range(count)
    ]
    wallets = [
        Wallet(owner=user, owner_role=role, asset_id=DEFAULT_CURRENCY, slot=1, balance_minor=0)
        for user in users
    ]

    def make() -> None:
        User.objects.bulk_create(users)
        Wallet.objects.bulk_create(wallets)

    unit_of_work(make)
    return [wallet.id for wallet in wallets]
