"""Who calls: made once, past HTTP, before anything breaks."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.models import Client, Company, Role, User
from accounts.services import open_session
from commerce.cash import deposit
from commerce.credits import top_up
from core.unit_of_work import unit_of_work
from wallets.assets import create_asset
from wallets.models import Asset
from wallets.services import open_cash_wallet

GOLD = "GOLD"
RICH_MINOR = 5_000_00
POOR_MINOR = 3_00
#: Jepsen's bank: one owner, so that one answer shows all of its accounts.
BANK_WALLETS = 8
BANK_MINOR = 100_00
#: double_entry's jack hammer.
HAMMERED_WALLETS = 5
HAMMERED_MINOR = 10_000_00
#: Blnk's hundred users, and how many of them the balance is enough for.
HUNDRED_MINOR = 40_00


@dataclass(frozen=True)
class Actor:
    """A user with a token, and the wallets that it owns."""

    id: uuid.UUID
    token: str
    wallets: tuple[uuid.UUID, ...] = ()

    @property
    def wallet(self) -> uuid.UUID:
        """Its first wallet."""
        return self.wallets[0]


@dataclass
class Cast:
    """Everybody. Those who leave, are frozen or log out are used once each."""

    operator: Actor
    clients: list[Actor]
    companies: list[Actor]
    players: list[Actor]
    bank: Actor
    hammered: Actor
    hundreds: list[Actor]
    leavers: Iterator[Actor]
    freezers: Iterator[Actor]
    #: Second sessions of clients.
    sessions: Iterator[Actor]
    #: They open wallets beyond the limit.
    collectors: list[Actor] = field(default_factory=list)


def make_cast(*, leavers: int, hundreds: int) -> Cast:
    """Make everybody. Wants Django, and an empty database that is migrated."""
    return unit_of_work(lambda: _make_cast(leavers, hundreds))


def _make_cast(leavers: int, hundreds: int) -> Cast:
    gold = create_asset(symbol=GOLD, name="Gold", decimals=2, is_cash=False)
    operator = User.objects.create_user("operator@prove.example", None, role=Role.OPERATOR)
    clients = [
        _client(f"client{number}", POOR_MINOR if number % 4 == 0 else RICH_MINOR)
        for number in range(16)
    ]
    return Cast(
        operator=_actor(operator),
        clients=clients,
        companies=[_company(f"company{number}") for number in range(3)],
        players=[_player(f"player{number}", operator, gold) for number in range(6)],
        bank=_client("bank", *[BANK_MINOR] * BANK_WALLETS),
        hammered=_client("hammered", *[HAMMERED_MINOR] * HAMMERED_WALLETS),
        hundreds=[_client(f"hundred{number}", HUNDRED_MINOR) for number in range(hundreds)],
        leavers=iter([_client(f"leaver{number}", 0) for number in range(leavers)]),
        freezers=iter([_client(f"freezer{number}", RICH_MINOR) for number in range(leavers)]),
        sessions=iter([_second(clients[number % 16]) for number in range(leavers)]),
        collectors=[_client(f"collector{number}") for number in range(hundreds)],
    )


def _client(name: str, *holds_minor: int) -> Actor:
    user = User.objects.create_user(f"{name}@prove.example", None, role=Role.CLIENT)
    Client.objects.create(user=user, **_PERSON)
    wallets = []
    for amount_minor in holds_minor:
        wallet = open_cash_wallet(user, "USD")
        wallets.append(wallet.id)
        if amount_minor:
            deposit(user, wallet_id=wallet.id, amount=major(amount_minor))
    return _actor(user, *wallets)


def _company(name: str) -> Actor:
    user = User.objects.create_user(f"{name}@prove.example", None, role=Role.COMPANY)
    Company.objects.create(user=user, name=name, url="https://prove.example", **_PERSON)
    return _actor(user, open_cash_wallet(user, "USD").id)


def _player(name: str, operator: User, gold: Asset) -> Actor:
    user = User.objects.create_user(f"{name}@prove.example", None, role=Role.CLIENT)
    Client.objects.create(user=user, **_PERSON)
    movement = top_up(operator, user=user, asset=gold, amount=major(RICH_MINOR))
    return _actor(user, movement.target.id)


def _actor(user: User, *wallets: uuid.UUID) -> Actor:
    return Actor(user.pk, open_session(user).token, wallets)


def _second(actor: Actor) -> Actor:
    user = User.objects.get(pk=actor.id)
    return Actor(actor.id, open_session(user).token, actor.wallets)


def major(amount_minor: int) -> str:
    """Return an amount as it is sent: `1250` is "12.50"."""
    return f"{amount_minor // 100}.{amount_minor % 100:02}"


_PERSON = {"first_name": "A", "last_name": "B", "phone_number": "+34666666666"}
