"""Who takes part: payers with money, companies that charge them, clients who deposit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accounts.models import Client, Role, User
from accounts.services import create_operator
from bench import wrk
from bench.customer_import import write_customers
from core.unit_of_work import unit_of_work
from harness.actors import Actor, create_actor
from intake.customers.imports import import_customers
from ledger.kinds import Kind
from ledger.orders import Order
from ledger.post import post
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Purpose, Wallet

#: Enough in each payer's wallet that no measurement empties it.
_BALANCE_MINOR = 10**11
#: In each client's: enough to pay requests, and too little to be taken for a payer.
_SMALL_BALANCE = "1000000.00"
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Actors:
    """All who take part. Of the payers, only their wallets are known."""

    payers: Sequence[uuid.UUID]
    companies: Sequence[Actor]
    clients: Sequence[Actor]
    customer_ids: Sequence[str] = ()
    operator_token: str = ""

    def write(self, file: Path) -> Path:
        """Write the callers and the payers for wrk."""
        return wrk.write_data(
            file,
            {
                "payers": [str(payer) for payer in self.payers],
                "companies": for_wrk(self.companies),
                "clients": for_wrk(self.clients),
            },
        )


def make_actors(data_dir: Path, *, payers: int, others: int) -> Actors:
    """Import the payers, fill their wallets, and sign up as many companies and clients."""
    source = data_dir / "payers.jsonl"
    write_customers(source, payers, first=10**9)
    import_customers(str(source))
    wallets = list(Wallet.objects.filter(owner_id__isnull=False).values_list("id", flat=True))
    funding = system_wallet_id(DEFAULT_CURRENCY, Purpose.FUNDING)
    for first in range(0, len(wallets), _BATCH):
        orders = [
            Order(Kind.DEPOSIT, funding, wallet, _BALANCE_MINOR, DEFAULT_CURRENCY)
            for wallet in wallets[first : first + _BATCH]
        ]
        unit_of_work(lambda: post(orders))  # noqa: B023 (runs immediately)
    customer_ids = [str(pk) for pk in Client.objects.values_list("pk", flat=True)]
    return Actors(
        wallets,
        callers(Role.COMPANY, others),
        callers(Role.CLIENT, others, _SMALL_BALANCE),
        customer_ids,
        unit_of_work(lambda: create_operator("operator@example.com")).token,
    )


def callers(role: Role, count: int, balance: str = "0") -> list[Actor]:
    """Make accounts with a token and a wallet each, empty or with a balance such as "100.00"."""
    return unit_of_work(lambda: [create_actor(role, balance) for _ in range(count)])


def empty_wallets(role: Role, count: int) -> list[uuid.UUID]:
    """Make accounts that never call, with an empty wallet each; return the wallets."""
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


def for_wrk(actors: Sequence[Actor]) -> list[dict[str, str]]:
    """Return them as wrk's script has them: a token, and the first wallet."""
    return [{"token": actor.token, "wallet": str(actor.wallet)} for actor in actors]
