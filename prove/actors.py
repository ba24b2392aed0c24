"""Who calls: made before anything breaks, without HTTP."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import Role, User
from commerce.credits import order_top_up
from commerce.fees import set_fee
from commerce.movements import move
from core.unit_of_work import unit_of_work
from harness.actors import Actor, actor_of, create_actor, create_user
from wallets.assets import create_asset
from wallets.models import Asset, ChargePolicy
from wallets.services import change_wallet

GOLD = "GOLD"
RICH, POOR, NOTHING = "5000.00", "3.00", "0"
CLIENTS = 16
#: Jepsen's bank: one owner, so that one answer shows all of its accounts.
BANK_WALLETS = 8
BANK_MINOR = 100_00
HELD_MINOR, HOLDERS = 10_00, 6
#: double_entry's jack hammer.
HAMMERED_WALLETS = 5
HAMMERED = "10000.00"
#: What Blnk's hundred users charge together: enough for forty.
HUNDRED_MINOR = 40_00
#: The label of wallets that only approved companies may charge by their token, from the beginning.
APPROVED_ONLY = "approved only"


@dataclass
class Actors:
    """All callers. Each of those in an iterator is used once."""

    operator: Actor
    clients: list[Actor]
    companies: list[Actor]
    players: list[Actor]
    bank: Actor
    hammered: Actor
    #: Payers of a hundred users each.
    shared_payers: list[Actor]
    #: Payers of holds that expire, of `HELD_MINOR` each.
    holders: list[Actor]
    #: Clients who change who may charge their wallets.
    careful: list[Actor]
    #: Clients whose wallets are labelled `APPROVED_ONLY`; the last has its own workload.
    limited: list[Actor]
    #: Clients that open wallets beyond the limit.
    openers: list[Actor]
    #: Clients to delete, clients whose wallet to freeze, second sessions of clients to end.
    to_delete: Iterator[Actor]
    to_freeze: Iterator[Actor]
    to_log_out: Iterator[Actor]
    #: Clients who disallow charges of their wallet.
    to_disallow: Iterator[Actor]


def make_actors(*, revocations: int, hundreds: int) -> Actors:
    """Make all callers. Wants Django, and an empty database that is migrated."""
    return unit_of_work(lambda: _make_actors(revocations, hundreds))


def _make_actors(revocations: int, hundreds: int) -> Actors:
    gold = create_asset(symbol=GOLD, name="Gold", decimals=2, is_cash=False)
    operator = create_user(Role.OPERATOR)
    clients = [_client(RICH if number % 4 else POOR) for number in range(CLIENTS)]
    return Actors(
        operator=actor_of(operator),
        clients=clients,
        companies=[_company(operator, percent) for percent in (None, "2.5", "12.3456")],
        holders=[_client(major(HELD_MINOR)) for _ in range(HOLDERS)],
        players=[_player(operator, gold) for _ in range(6)],
        bank=_client(*[major(BANK_MINOR)] * BANK_WALLETS),
        hammered=_client(*[HAMMERED] * HAMMERED_WALLETS),
        shared_payers=[_client(major(HUNDRED_MINOR)) for _ in range(hundreds)],
        careful=[_client(RICH) for _ in range(3)],
        limited=[_limited() for _ in range(4)],
        openers=[_client() for _ in range(hundreds)],
        to_delete=iter([_client(NOTHING) for _ in range(revocations)]),
        to_freeze=iter([_client(RICH) for _ in range(revocations)]),
        to_log_out=iter([_session(clients[number % CLIENTS]) for number in range(revocations)]),
        to_disallow=iter([_client(RICH) for _ in range(revocations)]),
    )


def _client(*balances: str) -> Actor:
    return create_actor(Role.CLIENT, *balances)


def _company(operator: User, percent: str | None) -> Actor:
    """Make a company, which pays a fee if a percentage is given."""
    company = create_actor(Role.COMPANY, NOTHING)
    if percent is not None:
        set_fee(
            company.id,
            percent=percent,
            fixed="0.01",
            lowest=None,
            highest=None,
            operator=operator,
            address=None,
        )
    return company


def _limited() -> Actor:
    client = _client(RICH)
    change_wallet(
        User.objects.get(pk=client.id),
        client.wallet,
        charges=ChargePolicy.APPROVED,
        label=APPROVED_ONLY,
    )
    return client


def _player(operator: User, gold: Asset) -> Actor:
    user = create_user(Role.CLIENT)
    order = order_top_up(operator, user=user, asset=gold, amount=RICH)
    move(order, operator)
    return actor_of(user, order.target_id)


def _session(actor: Actor) -> Actor:
    return actor_of(User.objects.get(pk=actor.id), *actor.wallets)


def draw_amount(chance: random.Random) -> int:
    """Return an amount in minor units."""
    return chance.choice((1, 25, 100, 250, 999))


def major(amount_minor: int) -> str:
    """Return an amount as it is sent: `1250` is "12.50"."""
    return f"{amount_minor // 100}.{amount_minor % 100:02}"
