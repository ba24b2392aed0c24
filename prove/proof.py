"""The proof: rounds of load, each with a fault in it, and all invariants after each."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from prove.actors import Cast
from prove.crowd import Crowd
from prove.failpoints import Missed
from prove.farewells import Farewells
from prove.faults import CATALOGUE, Fault
from prove.inquiries import Inquiries
from prove.installation import Installation
from prove.invariants import Inspector
from prove.load import Errands, Load
from prove.mix import Mix
from prove.operations import Log
from prove.shapes import HUNDRED, Shape, Shapes
from prove.watch import Watch

#: How many violations of a round are told at once.
SHOWN_OF_ROUND = 5
#: A fault that has missed so often, and never struck, has not missed by chance.
MISSES = 3
#: How much of what the bank's callers do is reading all of its accounts.
READS = 0.3


@dataclass
class Case:
    """A line of the table: one kind of load, and what happened meanwhile."""

    name: str
    rounds: int = 0
    faults: int = 0
    operations: int = 0
    acknowledged: int = 0
    violations: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Extent:
    """How much of everything there is."""

    mixed: int
    bank: tuple[int, int]
    hammer: tuple[int, int]
    charges: int
    refund_rounds: int
    hundreds: int
    leavers: int
    #: Only these faults; empty: all of them.
    kinds: frozenset[str] = frozenset()

    @property
    def faults(self) -> int:
        return self.mixed + self.bank[0] + self.hammer[0] + self.refund_rounds + 2 * self.hundreds


#: Under fifteen minutes.
LONG = Extent(
    mixed=145,
    bank=(10, 150),
    hammer=(40, 500),
    charges=500,
    refund_rounds=5,
    hundreds=4,
    leavers=120,
)
#: Under two minutes; part of the tests.
SHORT = Extent(
    mixed=12,
    bank=(1, 40),
    hammer=(1, 60),
    charges=20,
    refund_rounds=1,
    hundreds=1,
    leavers=12,
    kinds=frozenset(
        {
            "worker killed",
            "worker killed after write",
            "worker killed in the answer",
            "worker stopped with a hot lock",
            "processor killed in a chunk",
            "session killed",
            "PostgreSQL killed",
            "every connection taken",
            "disk full",
            "commit's answer lost",
            "network dark",
            "clock a day ahead",
        }
    ),
)


@dataclass
class Tally:
    """What a run did, for the report."""

    cases: dict[str, Case] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    recovery_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def faults(self) -> int:
        return self.struck.total()


class Proof:
    """One installation under load. Knows how to run a round."""

    def __init__(self, installation: Installation, cast: Cast, seed: str) -> None:
        self.log = Log(f"p{seed}")
        self.tally = Tally()
        # Which faults strike, and in which order: nobody else draws from it.
        self.chance = random.Random(f"{seed} faults")
        self._began = time.monotonic()
        self._told = 0
        self._installation = installation
        self._cast = cast
        self.mix = Mix(cast, self.log)
        self.shapes = Shapes(cast, self.log, self.mix, random.Random(f"{seed} shapes"))
        self.inspector = Inspector(installation, self.log)
        self.watch = Watch(installation, cast, self.log)
        port, read = installation.port, self.watch.read_bank
        errands = (*Farewells(cast, self.log).errands, read)
        self._everybody = Load(port, self.log, seed, errands=Errands(errands))
        self._bankers = Load(port, self.log, f"{seed} bank", errands=Errands((read,), READS))
        self._hundred = Load(port, self.log, f"{seed} hundred", callers=HUNDRED)
        self._crowd = Crowd(port, self.log, f"{seed} crowd")
        self._inquiries = Inquiries(installation, self.log, seed)

    def run(self, extent: Extent) -> None:
        """Run everything."""
        self.watch.start()
        usable = usable_faults(extent, has_disk=self._installation.place.is_disk)
        mixed = self._deck(usable)
        shaped = self._deck([fault for fault in usable if not fault.needs_mix])
        quick = self._deck([fault for fault in usable if fault.is_quick])
        for _ in range(extent.mixed):
            self.run_mixed(next(mixed))
        for _ in range(extent.bank[0]):
            self.run_shape(self.shapes.bank(extent.bank[1]), next(shaped), by=self._bankers)
        charges = self.shapes.charges(extent.charges)
        self.run_shape(charges, None)
        self.run_shape(self.shapes.first_refunds(charges), None)
        for part in _parts(self.shapes.refunds(charges), extent.refund_rounds):
            self.run_shape(part, next(shaped))
        for payer, collector in zip(
            self._cast.hundreds[: extent.hundreds], self._cast.collectors, strict=False
        ):
            self.run_shape(self.shapes.hundred(payer), next(quick), by=self._hundred)
            self.run_shape(self.shapes.collect(collector), next(quick))
        for _ in range(extent.hammer[0]):
            self.run_shape(self.shapes.hammer(extent.hammer[1]), next(shaped), by=self._crowd)
        self.watch.stop()
        with self._counted(self._case("the end")):
            self.inspector.check_end()
            self._look_for_idle_faults()

    def run_mixed(self, fault: Fault | None) -> None:
        """Let everybody do everything for a while; a fault strikes in the middle."""

        def run(case: Case) -> None:
            self._everybody.start(self.mix.draw)
            self._strike(case, fault, after=0.5)
            time.sleep(self.chance.uniform(0.2, 0.5))
            self._everybody.finish()
            self._inquiries.settle_left()

        self._round("every operation", fault, run)

    def run_shape(
        self, shape: Shape, fault: Fault | None, *, by: Load | Crowd | None = None
    ) -> None:
        """Run a shape to its end; a fault strikes meanwhile."""
        load = by or self._everybody

        def run(case: Case) -> None:
            load.start(shape.draw)
            self._strike(case, fault, after=0.2)
            load.wait()
            self._inquiries.settle_left()
            shape.look(self.log)

        self._round(shape.name, fault, run)

    def _round(self, name: str, fault: Fault | None, run: Callable[[Case], None]) -> None:
        case = self._case(name)
        case.rounds += 1
        with self._counted(case):
            run(case)
            self.inspector.check()
        self._tell(f"{name:<16} {fault.kind if fault else 'no fault':<32}")

    def _strike(self, case: Case, fault: Fault | None, *, after: float) -> None:
        """Let a fault strike once the load is under way, `after` seconds at most; then recover."""
        if fault is None:
            return
        time.sleep(self.chance.uniform(0.05, after))
        try:
            fault.strike(self._installation, self.chance)
        except Missed:
            self.tally.missed[fault.kind] += 1
        else:
            case.faults += 1
            self.tally.struck[fault.kind] += 1
        began = time.monotonic()
        if not self._installation.recover():
            self.log.violate("recovery", f"after '{fault.kind}' the service does not come back")
        took = time.monotonic() - began
        slowest = self.tally.recovery_seconds.get(fault.kind, 0.0)
        self.tally.recovery_seconds[fault.kind] = max(slowest, took)

    def _look_for_idle_faults(self) -> None:
        """Check that no fault always misses: its failpoint would be where nobody comes any more."""
        for kind, missed in self.tally.missed.items():
            if missed >= MISSES and not self.tally.struck[kind]:
                self.log.violate("faults", f"'{kind}' was tried {missed} times, and never struck")

    def _tell(self, what: str) -> None:
        """Say that a round is over, and how much there was so far."""
        print(
            f"{time.monotonic() - self._began:7.1f} s  {what} {self.log.acknowledged:>6}"
            f" acknowledged {len(self.log.violations):>3} violations",
            flush=True,
        )
        for violation in self.log.violations[self._told :][:SHOWN_OF_ROUND]:
            print(f"    {violation.invariant}: {violation.text}", flush=True)
        self._told = len(self.log.violations)

    def _case(self, name: str) -> Case:
        return self.tally.cases.setdefault(name, Case(name))

    @contextmanager
    def _counted(self, case: Case) -> Iterator[None]:
        """Add what happens in the block to a line of the table."""
        began = time.monotonic()
        operations, violations = len(self.log.operations), len(self.log.violations)
        acknowledged = self.log.acknowledged
        yield
        case.operations += len(self.log.operations) - operations
        case.acknowledged += self.log.acknowledged - acknowledged
        case.violations += len(self.log.violations) - violations
        case.seconds += time.monotonic() - began

    def _deck(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        """Yield all faults in an order of chance, again and again: none is forgotten."""
        while True:
            yield from self.chance.sample(faults, len(faults))


def usable_faults(extent: Extent, *, has_disk: bool) -> list[Fault]:
    """Return the faults of an extent; without a disk of one's own, none that needs it."""
    return [
        fault
        for fault in CATALOGUE
        if (not extent.kinds or fault.kind in extent.kinds) and (has_disk or not fault.needs_disk)
    ]


def _parts(shape: Shape, count: int) -> list[Shape]:
    """Cut a shape into pieces of the same size, for a fault in each."""
    operations = list(shape.operations)
    # Both refunds of a charge are in one piece.
    size = 2 * -(-len(operations) // (2 * count))
    parts = [operations[start : start + size] for start in range(0, len(operations), size)]
    return [Shape(shape.name, iter(part), len(part) // 2) for part in parts]
