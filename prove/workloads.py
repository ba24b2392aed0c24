"""Workloads that others test their ledgers with, after their own descriptions.

Each is a source of operations that ends. The invariants find what is wrong afterwards; a workload
knows how many of its operations must have been carried out.
"""

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from harness.actors import Actor
from prove.actors import HELD_MINOR, HUNDRED_MINOR, Actors, major
from prove.hold_mix import SHORTEST_SECONDS
from prove.installation import MAX_WALLETS
from prove.operation_mix import OperationMix
from prove.operations import HOLD, PAY_TOKEN, REQUEST, Log, Operation

HUNDRED = 100
CHARGED_MINOR = 1_00
FIRST_MINOR = 1
INCREMENTS = 10


@dataclass
class Workload:
    """A load with an end. Safe between threads."""

    name: str
    operations: Iterator[Operation]
    #: How many must succeed; None: that cannot be known.
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

    @property
    def ids(self) -> set[str]:
        """The operations that were made of it."""
        return {operation.id for operation in self.made}

    def check(self, log: Log) -> None:
        """Check how many succeeded, once all are settled."""
        done = sum(1 for operation in self.made if log.operations[operation.id].is_done)
        if self.successes is not None and done != self.successes:
            log.violate("limits", f"{self.name}: {done} succeeded, not {self.successes}")

    def split(self, count: int) -> "list[Workload]":
        """Cut refunds into parts of the same size, with both refunds of a charge in one part."""
        operations = list(self.operations)
        size = 2 * -(-len(operations) // (2 * count))
        parts = [operations[start : start + size] for start in range(0, len(operations), size)]
        return [Workload(self.name, iter(part), len(part) // 2) for part in parts]


class Workloads:
    """Makes the workloads for the actors."""

    def __init__(self, actors: Actors, log: Log, mix: OperationMix, chance: random.Random) -> None:
        self._actors = actors
        self._log = log
        self._mix = mix
        self._chance = chance
        #: How much a company may charge a day in `day_limit`.
        self._allowed_minor = 0

    def bank(self, transfers: int) -> Workload:
        """Jepsen's bank: random transfers between accounts whose total every read must see."""
        return Workload("bank", (self._mix.bank_transfer(self._chance) for _ in range(transfers)))

    def hammer(self, transfers: int) -> Workload:
        """double_entry's jack hammer: very many transfers between very few accounts."""
        owner = self._actors.hammered

        def transfer() -> Operation:
            source, target = self._chance.sample(owner.wallets, 2)
            return self._mix.transfer_between(owner, source, target, self._chance.randint(1, 2_000))

        return Workload("jack hammer", (transfer() for _ in range(transfers)))

    def batches(self, count: int) -> Workload:
        """Make batches of charges: each locks many wallets, which the batches have in common."""
        return Workload("batches", (self._mix.charges(self._chance) for _ in range(count)))

    def charges(self, count: int) -> Workload:
        """Make the charges that are refunded afterwards."""
        rich = [client for number, client in enumerate(self._actors.clients) if number % 4]
        company = self._actors.companies[0]
        amounts = (25, 100, 250, 999)

        def charge() -> Operation:
            payer = self._chance.choice(rich).wallet
            return self._mix.charge_of(company, payer, self._chance.choice(amounts))

        return Workload("charges", (charge() for _ in range(count)))

    def first_refunds(self, charges: Workload) -> Workload:
        """Refund a cent of each charge, so that what was refunded is counted already."""
        charged = self._charged(charges)
        operations = (self._mix.refund_of(charge, FIRST_MINOR) for charge in charged)
        return Workload("first refunds", operations, successes=len(charged))

    def refunds(self, charges: Workload) -> Workload:
        """Formance's: the rest of each charge refunded twice, by callers who do not wait."""
        charged = self._charged(charges)

        def refund(charge: Operation) -> Operation:
            return self._mix.refund_of(charge, charge.effects[0].amount_minor - FIRST_MINOR)

        operations = (refund(charge) for charge in charged for _ in range(2))
        return Workload("refunds", operations, successes=len(charged))

    def whole_refunds(self, charges: Workload) -> Workload:
        """Refund all of each charge."""
        charged = self._charged(charges)
        operations = (self._mix.refund_of(each, each.effects[0].amount_minor) for each in charged)
        return Workload("whole refunds", operations, successes=len(charged))

    def _made(self, name: str, workload: Workload) -> list[Operation]:
        made = workload.ids
        return [each for each in self._log.made[name] if each.id in made]

    def _charged(self, charges: Workload) -> list[Operation]:
        made = charges.ids
        return [each for each in self._log.charges if each.id in made]

    def hundred(self, payer: Actor) -> Workload:
        """Blnk's: a hundred users together against one balance, which is enough for forty."""
        company = self._actors.companies[0]
        return Workload(
            "hundred users",
            (self._mix.charge_of(company, payer.wallet, CHARGED_MINOR) for _ in range(HUNDRED)),
            successes=HUNDRED_MINOR // CHARGED_MINOR,
        )

    def pay_tokens(self, count: int) -> Workload:
        """Make pay tokens for one use each."""
        payers = self._actors.limited

        def make() -> Operation:
            return self._mix.safe.pay_token_of(self._chance.choice(payers), uses=1)

        return Workload("pay tokens", (make() for _ in range(count)), successes=count)

    def single_uses(self, pay_tokens: Workload) -> Workload:
        """Charge by each pay token for one use twice at once, as two companies: one succeeds."""
        made = self._made(PAY_TOKEN, pay_tokens)
        pairs = [(each, self._chance.sample(self._actors.companies, 2)) for each in made]
        operations = (
            self._mix.safe.charge_by(each, company, CHARGED_MINOR)
            for each, companies in pairs
            for company in companies
        )
        return Workload("one use, charged twice", operations, successes=len(made))

    def requests(self, count: int) -> Workload:
        """Make payment requests, of companies and of clients."""
        payees = [*self._actors.companies, *self._actors.careful]

        def make() -> Operation:
            payee = self._chance.choice(payees)
            return self._mix.safe.request_of(payee, amount=major(CHARGED_MINOR))

        return Workload("requests", (make() for _ in range(count)), successes=count)

    def payments(self, requests: Workload) -> Workload:
        """Let two clients pay each request at once while its payee cancels it: one succeeds."""
        made = self._made(REQUEST, requests)
        safe = self._mix.safe

        def operations() -> Iterator[Operation]:
            for each in made:
                payers = self._chance.sample(self._actors.limited, 2)
                three = [safe.payment_of(each, payer, CHARGED_MINOR) for payer in payers]
                three.insert(self._chance.choice((1, 2)), safe.cancellation_of(each))
                yield from three

        return Workload("two payers, cancelled", operations(), successes=len(made))

    def raise_day_limit(self) -> Workload:
        """Approve a company for forty charges more of the same client's wallet."""
        self._allowed_minor += HUNDRED_MINOR
        approval = self._mix.safe.approval_of(
            self._actors.limited[-1],
            self._actors.companies[0],
            most=CHARGED_MINOR,
            most_per_day=self._allowed_minor,
        )
        return Workload("approval", iter([approval]), successes=1)

    def day_limit(self) -> Workload:
        """Charge a hundred times together against what the day's limit leaves: forty charges."""
        payer, company = self._actors.limited[-1], self._actors.companies[0]

        def charge() -> Operation:
            return self._mix.safe.protected_charge_of(payer, company, CHARGED_MINOR)

        return Workload(
            "day's limit",
            (charge() for _ in range(HUNDRED)),
            successes=HUNDRED_MINOR // CHARGED_MINOR,
        )

    def holds(self) -> Workload:
        """Hold all that each holder has, for the shortest time."""
        company = self._actors.companies[0]
        operations = (
            self._mix.holds.hold_of(company, each.wallet, HELD_MINOR, SHORTEST_SECONDS)
            for each in self._actors.holders
        )
        return Workload("holds", operations, successes=len(self._actors.holders))

    def increments(self, holds: Workload) -> Workload:
        """Increment each hold many times at once, while its payer gets what is held."""
        made = self._made(HOLD, holds)
        payers: dict[UUID | None, Actor] = {each.wallet: each for each in self._actors.holders}

        def operations() -> Iterator[Operation]:
            for _ in range(INCREMENTS):
                for each in made:
                    yield self._mix.deposit_of(payers[each.effects[0].source], FIRST_MINOR)
                    yield self._mix.holds.increment_of(each, FIRST_MINOR)

        return Workload("increments", operations())

    def voids(self, holds: Workload) -> Workload:
        """Void each hold twice, as callers who do not wait."""
        made = self._made(HOLD, holds)
        operations = (self._mix.holds.void_of(each) for each in made for _ in range(2))
        return Workload("voids", operations, successes=len(made))

    def expired(self, holds: Workload) -> Workload:
        """Use what was held until a moment ago, while the hold is captured and voided: too late."""
        made = self._made(HOLD, holds)
        company, mix = self._actors.companies[0], self._mix

        def operations() -> Iterator[Operation]:
            for each in made:
                payer = each.effects[0].source
                assert payer is not None
                yield mix.holds.capture_of(each, FIRST_MINOR)
                yield mix.charge_of(company, payer, HELD_MINOR)
                yield mix.holds.void_of(each)

        return Workload("expired holds", operations(), successes=len(made))

    def trades(self, count: int) -> Workload:
        """Make trades whose last operation nobody can pay."""
        players, players_minor = self._actors.players, 999_999_99

        def trade() -> Operation:
            one, other = self._chance.sample(players, 2)
            return self._mix.holds.trades_of(
                ("topup", one, other, FIRST_MINOR), ("spend", other, one, players_minor)
            )

        return Workload("trades that fail", (trade() for _ in range(count)), successes=0)

    def open_wallets(self, opener: Actor) -> Workload:
        """Many wallets opened together, by a client who may have twelve."""

        def opening() -> Operation:
            return Operation(
                self._log.new_id(),
                "wallet",
                opener.token,
                "/wallet/create",
                {},
                status=201,
                refusals=frozenset({"wallet_limit_reached"}),
            )

        return Workload(
            "wallet limit", (opening() for _ in range(2 * MAX_WALLETS)), successes=MAX_WALLETS
        )
