"""The rows of `make bench`, and all that has to run for them."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import history, intake, peers, seeding, wrk
from bench.actors import Actors, make_actors
from bench.calls import Service, rows_of_money, rows_of_plain, write_actors
from bench.crew import PROCESSES, THREADS, Crew
from bench.limits import BATCH, Pgbench
from bench.machine import REPEATS
from bench.posting import ONCE
from bench.rows import Row
from bench.service import processor, web_server

#: What can be asked for alone; each is several rows, or one.
GROUPS = ("limits", "post", "peers", "calls", "history", "intake", "seeding")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, and what of it."""

    seconds: float
    repeats: int
    #: Wallets that pay; companies, and clients; processes of those that only move money.
    payers: int
    others: int
    processes: int
    transactions: int
    customers: int
    entries: int
    hordak_accounts: int
    groups: tuple[str, ...] = GROUPS
    pgledger: Path | None = None


FULL = Plan(
    seconds=3,
    repeats=REPEATS,
    payers=10_000,
    others=200,
    processes=PROCESSES,
    transactions=100_000,
    customers=100_000,
    entries=1_000_000,
    hordak_accounts=500,
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
    hordak_accounts=20,
)


class Suite:
    """Starts what the plan wants, and knows the rows. `stack` ends it all."""

    def __init__(self, stack: ExitStack, data_dir: Path, plan: Plan) -> None:
        self._stack, self._data_dir, self._plan = stack, data_dir, plan
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.service: Service | None = None
        actors = make_actors(data_dir, payers=plan.payers, others=plan.others)
        wanted = set(plan.groups)
        if "limits" in wanted:
            self.rows += Pgbench(data_dir, plan.seconds).rows()
        if "post" in wanted:
            self._add_post()
        if "peers" in wanted:
            self._add_peers()
        if wanted & {"calls", "history", "intake"}:
            self._add_service(actors, wanted)
        if "seeding" in wanted:
            self.rows.append(seeding.row(data_dir, plan.customers))

    def _add_post(self) -> None:
        many = self._plan.processes
        crews = f"{many} processes of {THREADS}"
        for name, title, size, threads, processes in (
            ("post.single", f"ledger.post, singles, {crews}", "1", THREADS, many),
            ("post.once", f"ledger.post_once, no key, {crews}", ONCE, THREADS, many),
            ("post.batch", f"ledger.post, batches of {BATCH:,}, 1 thread", str(BATCH), 1, 1),
        ):
            crew = Crew("bench.posting", size, str(threads), processes=processes)
            self._stack.enter_context(crew)
            row = peers.crew_row(name, title, crew, self._data_dir, self._plan.seconds)
            self.rows.append(row)

    def _add_peers(self) -> None:
        stack, data_dir, plan = self._stack, self._data_dir, self._plan
        if peers.has_hordak():
            row = peers.hordak_row(stack, data_dir, plan.seconds, plan.hordak_accounts)
            self.rows.append(row)
        else:
            self.notes.append(f"Left out: {peers.HORDAK_MISSING}.")
        if plan.pgledger:
            self.rows.append(peers.pgledger_row(stack, data_dir, plan.seconds, plan.pgledger))
        else:
            self.notes.append(f"Left out: {peers.PGLEDGER_MISSING}.")

    def _add_service(self, actors: Actors, wanted: set[str]) -> None:
        server = self._stack.enter_context(web_server())
        worker = self._stack.enter_context(processor())
        data = write_actors(self._data_dir / "calls.lua", actors)
        service = Service(self._data_dir, server, data, self._plan.seconds)
        if "calls" in wanted and wrk.is_there():
            self.service = service
            self._add_calls(service)
        if "history" in wanted and wrk.is_there():
            self.rows += history.rows(service, self._plan.entries)
        if "intake" in wanted:
            transactions = self._plan.transactions
            self.rows += intake.rows(self._data_dir, actors, [server, worker], transactions)
        if not wrk.is_there():
            self.notes.append(f"Left out, whatever is measured over HTTP: {wrk.MISSING}")

    def _add_calls(self, service: Service) -> None:
        counterpart = peers.plain_service(
            self._data_dir,
            self._plan.seconds,
            payers=self._plan.payers,
            companies=self._plan.others,
        )
        plain = self._stack.enter_context(counterpart)
        plain.warm_up(["bare", "orm"])
        service.warm_up(["charge", "hot", "deposit", "info"])
        self.rows += [*rows_of_plain(plain), *rows_of_money(service)]
