"""The rows of `make bench`, and the processes that they need."""

from contextlib import ExitStack
from dataclasses import dataclass

from bench import customer_import, history, holds, intake, payments, wrk
from bench.actors import Actors, make_actors
from bench.calls import Service, plain_service, rows_of_money, rows_of_plain
from bench.limits import BATCH, Pgbench
from bench.machine import REPEATS
from bench.posting import ONCE
from bench.rows import Row
from bench.service import processor
from bench.worker_pool import PROCESSES, THREADS, WorkerPool
from harness.installation import Installation

#: What `--only` takes; each is one row or several.
GROUPS = ("limits", "post", "calls", "history", "intake", "import")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and what of it."""

    seconds: float
    repeats: int
    #: Wallets that pay; companies, and clients; processes that post without HTTP.
    payers: int
    others: int
    processes: int
    transactions: int
    customers: int
    entries: int
    groups: tuple[str, ...] = GROUPS


FULL = Plan(
    seconds=3,
    repeats=REPEATS,
    payers=10_000,
    others=200,
    processes=PROCESSES,
    transactions=100_000,
    customers=100_000,
    entries=1_000_000,
)
#: So little that the figures mean nothing: it shows that all of it works.
QUICK = Plan(
    seconds=1,
    repeats=1,
    payers=200,
    others=10,
    processes=1,
    transactions=2_000,
    customers=1_000,
    entries=2_000,
)


class Suite:
    """Starts what the plan needs, and makes the rows. `stack` ends every process."""

    def __init__(self, stack: ExitStack, installation: Installation, plan: Plan) -> None:
        self._stack, self._installation, self._plan = stack, installation, plan
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.service: Service | None = None
        actors = make_actors(installation.data_dir, payers=plan.payers, others=plan.others)
        wanted = set(plan.groups)
        if "limits" in wanted:
            self.rows += Pgbench(installation.data_dir, plan.seconds).rows()
        if "post" in wanted:
            self._add_post()
        if wanted & {"calls", "history", "intake"}:
            self._add_service(actors, wanted)
        if "import" in wanted:
            self.rows.append(customer_import.row(installation.data_dir, plan.customers))

    def _add_post(self) -> None:
        many = self._plan.processes
        pools = f"{many} processes of {THREADS}"
        for name, title, size, threads, count in (
            ("post.single", f"ledger.post, singles, {pools}", "1", THREADS, many),
            ("post.once", f"ledger.post_once, no key, {pools}", ONCE, THREADS, many),
            ("post.batch", f"ledger.post, batches of {BATCH:,}, 1 thread", str(BATCH), 1, 1),
        ):
            arguments = ("bench.posting", size, str(threads))
            pool = WorkerPool(self._installation, *arguments, count=count)
            self._stack.enter_context(pool)
            self.rows.append(pool.row(name, title, self._plan.seconds))

    def _add_service(self, actors: Actors, wanted: set[str]) -> None:
        server = self._stack.enter_context(self._installation.web_server()).pid
        worker = self._stack.enter_context(processor(self._installation))
        data = actors.write(self._installation.data_dir / "calls.lua")
        service = Service(self._installation, server, data, self._plan.seconds)
        if "calls" in wanted and wrk.is_installed():
            self.service = service
            self._add_calls(service, actors)
        if "history" in wanted and wrk.is_installed():
            self.rows += history.rows(service, self._plan.entries)
        if "intake" in wanted:
            processes = [server, worker]
            self.rows += intake.rows(self._installation, actors, processes, self._plan.transactions)
        if not wrk.is_installed():
            self.notes.append(f"Left out, whatever is measured over HTTP: {wrk.MISSING}")

    def _add_calls(self, service: Service, actors: Actors) -> None:
        plain = self._stack.enter_context(
            plain_service(
                self._installation,
                self._plan.seconds,
                payers=self._plan.payers,
                companies=self._plan.others,
            )
        )
        plain.warm_up("bare", "orm")
        service.warm_up("charge", "hot", "deposit", "info")
        measurements = self._plan.repeats + 1
        prepared = [
            *payments.rows(service, actors, measurements=measurements),
            *holds.rows(service, actors, measurements=measurements),
        ]
        for row in prepared:
            # A warm-up.
            row.measure()
        self.rows += [*rows_of_plain(plain), *rows_of_money(service), *prepared]
