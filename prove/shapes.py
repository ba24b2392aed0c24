"""Loads that others hammer their ledgers with, after their own descriptions.

Each is a source of operations that ends. What is wrong afterwards the invariants find; how many
of the operations must have been carried out, the shape knows.
"""

import itertools
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from prove.actors import HUNDRED_MINOR, Actor, Cast
from prove.installation import MAX_WALLETS
from prove.mix import Mix
from prove.operations import Charged, Effect, Log, Operation

HUNDRED = 100
CHARGED_MINOR = 1_00
FIRST_MINOR = 1


@dataclass
class Shape:
    """A load with an end. Safe between threads."""

    name: str
    operations: Iterator[Operation]
    #: How many must succeed; None: nobody knows.
    successes: int | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.made: list[Operation] = []

    def draw(self, chance: random.Random) -> Operation | None:
        """Return the next operation; None at the end."""
        with self._lock:
            operation = next(self.operations, None)
            if operation is not None:
                self.made.append(operation)
        return operation

    def look(self, log: Log) -> None:
        """Check how many succeeded, once all are settled."""
        done = sum(1 for operation in self.made if log.operations[operation.id].is_done)
        if self.successes is not None and done != self.successes:
            log.violate("limits", f"{self.name}: {done} succeeded, not {self.successes}")


class Shapes:
    """Makes the shapes for a cast."""

    def __init__(self, cast: Cast, log: Log, mix: Mix, chance: random.Random) -> None:
        self._cast = cast
        self._log = log
        self._mix = mix
        self._chance = chance

    def bank(self, transfers: int) -> Shape:
        """Jepsen's bank: random transfers between accounts whose total every read must see."""
        return Shape("bank", (self._mix.bank_transfer(self._chance) for _ in range(transfers)))

    def hammer(self, transfers: int) -> Shape:
        """double_entry's jack hammer: very many transfers between very few accounts."""
        owner = self._cast.hammered

        def transfer() -> Operation:
            source, target = self._chance.sample(owner.wallets, 2)
            return self._mix.transfer_between(owner, source, target, self._chance.randint(1, 2_000))

        return Shape("jack hammer", (transfer() for _ in range(transfers)))

    def batches(self, count: int) -> Shape:
        """Make batches of charges: each locks many wallets, and the batches have them in common."""
        return Shape("batches", (self._mix.charges(self._chance) for _ in range(count)))

    def charges(self, count: int) -> Shape:
        """Make the charges that are refunded afterwards."""
        rich = [client for place, client in enumerate(self._cast.clients) if place % 4]
        company = self._cast.companies[0]
        return Shape(
            "charges",
            (
                self._mix.charge_of(company, self._chance.choice(rich).wallet, self._chance)
                for _ in range(count)
            ),
        )

    def first_refunds(self, charges: Shape) -> Shape:
        """Give a cent of each charge back, so that what follows finds it counted already."""
        charged = self._charged(charges)
        return Shape(
            "first refunds",
            (self._mix.refund_of(each, FIRST_MINOR) for each in charged),
            successes=len(charged),
        )

    def refunds(self, charges: Shape) -> Shape:
        """Formance's: the rest of each charge refunded twice, by callers who do not wait."""
        charged = self._charged(charges)
        twice = itertools.chain.from_iterable((each, each) for each in charged)
        return Shape(
            "refunds",
            (self._mix.refund_of(each, each.amount_minor - FIRST_MINOR) for each in twice),
            successes=len(charged),
        )

    def _charged(self, charges: Shape) -> list[Charged]:
        made = {operation.id for operation in charges.made}
        return [
            each
            for each in self._log.charges
            if each.operation in made and each.amount_minor > FIRST_MINOR
        ]

    def hundred(self, payer: Actor) -> Shape:
        """Blnk's: a hundred users at once against one balance, which is enough for forty."""
        company = self._cast.companies[0]

        def charge() -> Operation:
            operation = self._mix.charge_of(company, payer.wallet, self._chance)
            operation.body["amount"] = "1.00"
            operation.effects = (Effect("charge", payer.wallet, company.wallet, CHARGED_MINOR),)
            return operation

        return Shape(
            "hundred users",
            (charge() for _ in range(HUNDRED)),
            successes=HUNDRED_MINOR // CHARGED_MINOR,
        )

    def collect(self, collector: Actor) -> Shape:
        """Many wallets opened at once, by one who may have twelve."""
        return Shape(
            "wallet limit",
            (
                Operation(
                    self._log.new_id(),
                    "wallet",
                    collector.token,
                    "/wallet/create",
                    {},
                    status=201,
                    refusals=frozenset({"wallet_limit_reached"}),
                )
                for _ in range(2 * MAX_WALLETS)
            ),
            successes=MAX_WALLETS,
        )
