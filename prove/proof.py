"""The proof: rounds of load, each with a fault in it, and all invariants after each."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from prove.actors import Actors
from prove.bad_clients import HalfRequests
from prove.caller_processes import CallerProcesses
from prove.failpoints import Missed, NotPrompt
from prove.faults import CATALOGUE, Fault
from prove.hold_mix import SHORTEST_SECONDS
from prove.inquiries import Inquiries
from prove.installation import BreakableInstallation
from prove.invariants import Inspector
from prove.load import Load, SideTasks
from prove.operation_mix import OperationMix
from prove.operations import Log
from prove.revocations import Revocations
from prove.watch import Watch
from prove.workloads import HUNDRED, Workload, Workloads

#: How many violations of a round are printed immediately.
SHOWN_OF_ROUND = 5
#: A fault that has missed so often, and never struck, does not miss by chance.
MISSES = 3
#: The share of reads of all accounts in what the bank's callers do.
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
    revocations: int
    #: How often pay tokens, payment requests and a day's limit are fought for, and how many.
    permissions: tuple[int, int]
    #: Only these faults; empty: all of them.
    kinds: frozenset[str] = frozenset()

    @property
    def faults(self) -> int:
        return (
            self.mixed
            + self.bank[0]
            + self.hammer[0]
            + self.refund_rounds
            + 2 * self.hundreds
            + 4 * self.permissions[0]
        )


#: Under fifteen minutes.
LONG = Extent(
    mixed=132,
    bank=(10, 150),
    hammer=(40, 500),
    charges=500,
    refund_rounds=5,
    hundreds=4,
    revocations=120,
    permissions=(4, 80),
)
#: Under two minutes; part of the tests.
SHORT = Extent(
    mixed=14,
    bank=(1, 40),
    hammer=(1, 60),
    charges=20,
    refund_rounds=1,
    hundreds=1,
    revocations=12,
    permissions=(1, 20),
    kinds=frozenset(
        {
            "crowd of bad clients",
            "worker killed",
            "worker killed after write",
            "worker killed in group",
            "worker killed in the answer",
            "worker stopped with a hot lock",
            "processor killed in a chunk",
            "session killed",
            "PostgreSQL killed",
            "every connection taken",
            "disk full",
            "commit's answer lost",
            "network blocked",
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

    def __init__(self, installation: BreakableInstallation, actors: Actors, seed: str) -> None:
        self.log = Log(f"p{seed}")
        self.tally = Tally()
        # Which faults strike, and in which order: nothing else draws from it.
        self.chance = random.Random(f"{seed} faults")
        self._began = time.monotonic()
        self._printed = 0
        self._installation = installation
        self._actors = actors
        self.mix = OperationMix(actors, self.log)
        chance = random.Random(f"{seed} workloads")
        self.workloads = Workloads(actors, self.log, self.mix, chance)
        self.inspector = Inspector(installation, self.log)
        self.watch = Watch(installation, actors, self.log)
        port, read = installation.port, self.watch.read_bank
        halves = HalfRequests(port, actors, self.log, self.mix)
        revocations = Revocations(actors, self.log, self.mix)
        # Three times as often, because each kind of break is one of several.
        tasks = (*revocations.side_tasks, *halves.side_tasks * 3, read)
        readers = SideTasks((read,), READS)
        self._callers = Load(port, self.log, seed, side_tasks=SideTasks(tasks))
        self._bank_callers = Load(port, self.log, f"{seed} bank", side_tasks=readers)
        self._hundred_callers = Load(port, self.log, f"{seed} hundred", callers=HUNDRED)
        self._caller_processes = CallerProcesses(port, self.log, f"{seed} processes")
        self._inquiries = Inquiries(installation, self.log, seed)

    def run(self, extent: Extent) -> None:
        """Run everything."""
        self.watch.start()
        usable = usable_faults(extent, has_disk=self._installation.workdir.is_disk)
        mixed = self._shuffled(usable)
        simple = self._shuffled([fault for fault in usable if not fault.needs_mix])
        quick = self._shuffled([fault for fault in usable if fault.is_quick])
        for _ in range(extent.mixed):
            self.run_mixed(next(mixed))
        for _ in range(extent.bank[0]):
            self.run_workload(
                self.workloads.bank(extent.bank[1]), next(simple), by=self._bank_callers
            )
        charges = self.workloads.charges(extent.charges)
        self.run_workload(charges, None)
        self.run_workload(self.workloads.first_refunds(charges), None)
        for part in self.workloads.refunds(charges).split(extent.refund_rounds):
            self.run_workload(part, next(simple))
        actors = self._actors
        for payer, opener in zip(actors.shared_payers, actors.openers, strict=True):
            hundred = self.workloads.hundred(payer)
            self.run_workload(hundred, next(quick), by=self._hundred_callers)
            self.run_workload(self.workloads.open_wallets(opener), next(quick))
        for _ in range(extent.permissions[0]):
            self.run_single_uses(extent.permissions[1], next(simple))
            self.run_payments(extent.permissions[1], next(simple))
            self.run_day_limit(next(quick))
            self.run_expired_holds()
            self.run_increments()
            self.run_workload(self.workloads.trades(extent.permissions[1]), next(simple))
        for _ in range(extent.hammer[0]):
            self.run_workload(
                self.workloads.hammer(extent.hammer[1]), next(simple), by=self._caller_processes
            )
        self.watch.stop()
        with self._counted(self._case("the end")):
            self.inspector.check_end()
            self._check_idle_faults()

    def run_mixed(self, fault: Fault | None) -> None:
        """Let all callers send every operation for a while; a fault strikes in the middle."""

        def run(case: Case) -> None:
            self._callers.start(self.mix.draw)
            self._strike(case, fault, after=0.5)
            time.sleep(self.chance.uniform(0.2, 0.5))
            self._callers.finish()
            self._inquiries.settle_abandoned()

        self._round("every operation", fault, run)

    def run_workload(
        self, workload: Workload, fault: Fault | None, *, by: Load | CallerProcesses | None = None
    ) -> None:
        """Run a workload to its end; a fault strikes meanwhile."""
        load = by or self._callers

        def run(case: Case) -> None:
            load.start(workload.draw)
            self._strike(case, fault, after=0.2)
            load.wait()
            self._inquiries.settle_abandoned()
            workload.check(self.log)

        self._round(workload.name, fault, run)

    def run_single_uses(self, count: int, fault: Fault | None) -> None:
        """Make pay tokens, and let two callers at once charge by each."""
        made = self.workloads.pay_tokens(count)
        self.run_workload(made, None)
        self.run_workload(self.workloads.single_uses(made), fault)

    def run_payments(self, count: int, fault: Fault | None) -> None:
        """Make payment requests, and let two callers pay each while a third cancels it."""
        made = self.workloads.requests(count)
        self.run_workload(made, None)
        self.run_workload(self.workloads.payments(made), fault)

    def run_day_limit(self, fault: Fault | None) -> None:
        """Approve a company, and let a hundred callers charge together."""
        self.run_workload(self.workloads.raise_day_limit(), None)
        self.run_workload(self.workloads.day_limit(), fault, by=self._hundred_callers)

    def run_expired_holds(self) -> None:
        """Hold all that payers have, let the time pass in the database, and use it."""
        held = self.workloads.holds()
        self.run_workload(held, None)
        self._installation.move_moment(2 * SHORTEST_SECONDS)
        used = self.workloads.expired(held)
        self.run_workload(used, None)
        self._installation.move_moment(0)
        self.run_workload(self.workloads.whole_refunds(used), None)

    def run_increments(self) -> None:
        """Hold all that payers have, hold more of what they get, and give it back."""
        held = self.workloads.holds()
        self.run_workload(held, None)
        self.run_workload(self.workloads.increments(held), None)
        self.run_workload(self.workloads.voids(held), None)

    def _round(self, name: str, fault: Fault | None, run: Callable[[Case], None]) -> None:
        case = self._case(name)
        case.rounds += 1
        with self._counted(case):
            run(case)
            self.inspector.check()
        self._print(f"{name:<22} {fault.kind if fault else 'no fault':<32}")

    def _strike(self, case: Case, fault: Fault | None, *, after: float) -> None:
        """Let a fault strike once the load is under way, `after` seconds at most; then recover."""
        if fault is None:
            return
        time.sleep(self.chance.uniform(0.05, after))
        try:
            fault.strike(self._installation, self.chance)
        except Missed:
            self.tally.missed[fault.kind] += 1
        except NotPrompt as error:
            self.log.violate("callers go on", str(error))
        else:
            case.faults += 1
            self.tally.struck[fault.kind] += 1
        began = time.monotonic()
        if not self._installation.recover():
            self.log.violate("recovery", f"after '{fault.kind}' the service does not come back")
        took = time.monotonic() - began
        slowest = self.tally.recovery_seconds.get(fault.kind, 0.0)
        self.tally.recovery_seconds[fault.kind] = max(slowest, took)

    def _check_idle_faults(self) -> None:
        """Check that no fault always misses: no request would reach its failpoint any more."""
        for kind, missed in self.tally.missed.items():
            if missed >= MISSES and not self.tally.struck[kind]:
                self.log.violate("faults", f"'{kind}' was tried {missed} times, and never struck")

    def _print(self, what: str) -> None:
        """Print that a round is over, and the counts so far."""
        print(
            f"{time.monotonic() - self._began:7.1f} s  {what} {self.log.acknowledged:>6}"
            f" acknowledged {len(self.log.violations):>3} violations",
            flush=True,
        )
        for violation in self.log.violations[self._printed :][:SHOWN_OF_ROUND]:
            print(f"    {violation.invariant}: {violation.text}", flush=True)
        self._printed = len(self.log.violations)

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

    def _shuffled(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        """Yield all faults in random order, again and again."""
        while True:
            yield from self.chance.sample(faults, len(faults))


def usable_faults(extent: Extent, *, has_disk: bool) -> list[Fault]:
    """Return the faults of an extent; without a disk of its own, none that needs one."""
    return [
        fault
        for fault in CATALOGUE
        if (not extent.kinds or fault.kind in extent.kinds) and (has_disk or not fault.needs_disk)
    ]
