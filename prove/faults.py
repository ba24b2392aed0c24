"""The catalogue of faults. Each function breaks one thing, and repairs it."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from signal import SIGCONT, SIGKILL, SIGSTOP

import psutil
import psycopg

from harness.processes import STOP_SECONDS
from harness.waiting import poll
from ops.embedded_postgres import Role
from prove.bad_clients import crowd
from prove.failpoints import Halted, Missed, Step, halted_at
from prove.installation import LOCK_TIMEOUT_MS, MAX_CONNECTIONS, BreakableInstallation
from prove.switches import Failpoint

A_DAY = 24 * 60 * 60
PATIENCE_SECONDS = 5

Strike = Callable[[BreakableInstallation, random.Random], None]


@dataclass(frozen=True)
class Fault:
    """Something that breaks. `strike` repairs it, but for what recovers by itself, and returns."""

    kind: str
    strike: Strike
    needs_disk: bool = False
    #: It needs the queue, or transactions of several statements, which no workload has.
    needs_mix: bool = False
    #: It strikes immediately, without waiting for a certain step.
    is_quick: bool = False


# --- Processes --------------------------------------------------------------------------------


def kill_worker(installation: BreakableInstallation, chance: random.Random) -> None:
    """Kill a web worker at any moment."""
    workers = installation.workers()
    if not workers:
        raise Missed("no worker")
    chance.choice(workers).kill()


def restart_web(installation: BreakableInstallation, chance: random.Random) -> None:
    """Restart the web server in order, as a deployment does."""
    installation.restart_web()


def kill_processor_in_chunk(installation: BreakableInstallation, chance: random.Random) -> None:
    """Kill the processor in the middle of its chunk: before, or after the money has moved."""
    step = chance.choice((Step.BEFORE_LOCK, Step.AFTER_LOCK, Step.AFTER_WRITE))
    with halted_at(installation, step, in_chunk=True) as halted:
        _signal(halted.process, SIGKILL)


def hold_up_processor_in_chunk(installation: BreakableInstallation, chance: random.Random) -> None:
    """Halt the processor in the middle of its chunk, while the other one stands by."""
    with halted_at(installation, Step.AFTER_WRITE, in_chunk=True):
        time.sleep(0.6 * LOCK_TIMEOUT_MS / 1000)


def stop_worker_with_lock(installation: BreakableInstallation, chance: random.Random) -> None:
    """Stop a worker while its session holds a hot lock; then let it go on.

    A worker that moves money in one statement is no use: the statement ends without it. Such a
    worker goes on immediately, and the next one is tried.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with halted_at(installation, Step.AFTER_LOCK) as halted:
            _signal(halted.process, SIGSTOP)
        try:
            if _is_left_in_transaction(installation, halted.backend):
                time.sleep(chance.choice((0.5, 2.0, 5.0)))
                return
        finally:
            _signal(halted.process, SIGCONT)
    raise Missed("no session was in the middle of a transaction")


def _is_left_in_transaction(installation: BreakableInstallation, backend: int) -> bool:
    """Wait until the session is idle; return whether its transaction is open."""
    states: list[str] = []

    def is_idle() -> bool:
        with installation.connect() as connection:
            row = connection.execute(
                "SELECT state FROM pg_stat_activity WHERE pid = %s", [backend]
            ).fetchone()
        states[:] = row or ("gone",)
        return states != ["active"]

    return poll(is_idle, seconds=PATIENCE_SECONDS) and states == ["idle in transaction"]


# --- Failpoints -------------------------------------------------------------------------------


def at_step(step: Step, strike_at: Callable[[BreakableInstallation, Halted], None]) -> Strike:
    """Strike at the next session that is at this step of a money request."""

    def strike(installation: BreakableInstallation, chance: random.Random) -> None:
        with halted_at(installation, step) as halted:
            strike_at(installation, halted)

    return strike


def kill_process(_installation: BreakableInstallation, halted: Halted) -> None:
    """Kill the worker of the session."""
    _signal(halted.process, SIGKILL)


def kill_backend_process(_installation: BreakableInstallation, halted: Halted) -> None:
    """Kill PostgreSQL's process of the session."""
    _signal(halted.backend, SIGKILL)


def end_session(installation: BreakableInstallation, halted: Halted) -> None:
    """End the session, as an administrator may."""
    with installation.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [halted.backend])


def die_at(failpoint: Failpoint) -> Strike:
    """Let a worker kill itself at a failpoint of the process."""

    def strike(installation: BreakableInstallation, chance: random.Random) -> None:
        switches = installation.switches
        switches.arm(failpoint)
        if not poll(lambda: not switches.is_armed(failpoint), seconds=PATIENCE_SECONDS):
            switches.disarm(failpoint)
            raise Missed(f"no worker reached {failpoint.name}")

    return strike


# --- PostgreSQL -------------------------------------------------------------------------------


def end_backends(installation: BreakableInstallation, chance: random.Random) -> None:
    """End half of the app's sessions, as an administrator may."""
    backends = installation.backends()
    with installation.connect() as connection:
        for pid in chance.sample(backends, -(-len(backends) // 2)):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])


def kill_backend(installation: BreakableInstallation, chance: random.Random) -> None:
    """Kill one session's process: PostgreSQL ends all sessions and recovers from its log."""
    backends = installation.backends()
    if not backends:
        raise Missed("no session")
    _signal(chance.choice(backends), SIGKILL)


def kill_database(installation: BreakableInstallation, chance: random.Random) -> None:
    """Kill all of PostgreSQL, and start it again."""
    processes = installation.database_processes()
    if not processes:
        raise Missed("no PostgreSQL")
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_SECONDS)
    installation.revive_database()


def restart_database(installation: BreakableInstallation, chance: random.Random) -> None:
    """Restart PostgreSQL without waiting for its sessions."""
    installation.restart_database()


def stop_database(installation: BreakableInstallation, chance: random.Random) -> None:
    """Stop all of PostgreSQL for a while."""
    processes = installation.database_processes()
    try:
        for process in processes:
            _signal(process.pid, SIGSTOP)
        time.sleep(chance.choice((0.3, 1.0, 2.5)))
    finally:
        for process in processes:
            _signal(process.pid, SIGCONT)


def take_connections(installation: BreakableInstallation, chance: random.Random) -> None:
    """Take every connection for a while, those of the service's pools included."""
    with ExitStack() as taken:
        with suppress(psycopg.OperationalError):
            for _ in range(MAX_CONNECTIONS):
                taken.enter_context(installation.connect(Role.APP))
        end_backends(installation, chance)
        with suppress(psycopg.OperationalError):
            while True:
                taken.enter_context(installation.connect(Role.APP))
        time.sleep(chance.choice((0.5, 1.5)))


def fill_disk(installation: BreakableInstallation, chance: random.Random) -> None:
    """Leave no room on the disk for a while."""
    installation.workdir.fill()
    try:
        time.sleep(chance.choice((1.0, 2.0)))
    finally:
        installation.workdir.free()


# --- The network ------------------------------------------------------------------------------


def cut(when: str) -> Strike:
    """Break connections right before a commit, or before its answer."""

    def strike(installation: BreakableInstallation, chance: random.Random) -> None:
        order = installation.proxy.order
        order(f"cut {when} {chance.randint(1, 6)}")
        is_cut = poll(lambda: order("left") == "0", seconds=PATIENCE_SECONDS)
        order("pass")
        if not is_cut:
            raise Missed("no connection committed")

    return strike


def reset_network(installation: BreakableInstallation, chance: random.Random) -> None:
    """Break all connections to PostgreSQL, once or a few times."""
    for _ in range(chance.randint(1, 3)):
        installation.proxy.order("reset")
        time.sleep(chance.uniform(0, 0.3))


def delay_network(installation: BreakableInstallation, chance: random.Random) -> None:
    """Delay whatever goes to PostgreSQL and comes from it."""
    installation.proxy.order(f"delay {chance.choice((20, 100, 400))}")
    time.sleep(chance.choice((0.5, 1.5)))
    installation.proxy.order("pass")


def block_network(installation: BreakableInstallation, chance: random.Random) -> None:
    """Let nothing through for a while; then all of it, or break all connections."""
    installation.proxy.order("block")
    time.sleep(chance.choice((0.5, 2.5)))
    if chance.choice((True, False)):
        installation.proxy.order("reset")
    installation.proxy.order("pass")


# --- The clock --------------------------------------------------------------------------------


def move_clock(seconds: int) -> Strike:
    """Let the application's clock be wrong for a while, and kill a processor meanwhile."""

    def strike(installation: BreakableInstallation, chance: random.Random) -> None:
        installation.switches.clock_offset = seconds
        try:
            time.sleep(1.0)
            with suppress(Missed):
                kill_processor_in_chunk(installation, chance)
            time.sleep(0.5)
        finally:
            installation.switches.clock_offset = 0

    return strike


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


CATALOGUE: tuple[Fault, ...] = (
    Fault("worker killed", kill_worker, is_quick=True),
    *(
        Fault(
            f"worker killed {_words(step.name)}",
            at_step(step, kill_process),
            needs_mix=step in (Step.IN_GROUP, Step.AFTER_HOLD),
        )
        for step in Step
    ),
    Fault("session ended in a group", at_step(Step.IN_GROUP, end_session), needs_mix=True),
    Fault(
        "session killed after a hold",
        at_step(Step.AFTER_HOLD, kill_backend_process),
        needs_mix=True,
    ),
    Fault("worker killed before statement", die_at(Failpoint.BEFORE_STATEMENT)),
    Fault("worker killed before commit", die_at(Failpoint.BEFORE_COMMIT)),
    Fault("worker killed after commit", die_at(Failpoint.AFTER_COMMIT)),
    Fault("worker killed in the answer", die_at(Failpoint.IN_ANSWER)),
    Fault("worker stopped with a hot lock", stop_worker_with_lock, needs_mix=True),
    Fault("web server restarted", restart_web),
    Fault("processor killed in a chunk", kill_processor_in_chunk, needs_mix=True),
    Fault("processor held up in a chunk", hold_up_processor_in_chunk, needs_mix=True),
    Fault("sessions ended", end_backends, is_quick=True),
    Fault("session ended after the write", at_step(Step.AFTER_WRITE, end_session)),
    Fault("session killed", kill_backend, is_quick=True),
    Fault("session killed in the commit", at_step(Step.IN_COMMIT, kill_backend_process)),
    Fault("PostgreSQL killed", kill_database, is_quick=True),
    Fault("PostgreSQL restarted", restart_database),
    Fault("PostgreSQL stopped", stop_database),
    Fault("every connection taken", take_connections),
    Fault("disk full", fill_disk, needs_disk=True),
    Fault("commit lost on its way", cut("commit")),
    Fault("commit's answer lost", cut("answer")),
    Fault("connections reset", reset_network, is_quick=True),
    Fault("network delayed", delay_network),
    Fault("network blocked", block_network),
    Fault("crowd of bad clients", crowd, is_quick=True),
    Fault("clock a day ahead", move_clock(A_DAY), needs_mix=True),
    Fault("clock a day behind", move_clock(-A_DAY), needs_mix=True),
)
