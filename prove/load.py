"""Callers that send operations until each is settled: acknowledged, or known to stay open."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from prove.caller import Caller
from prove.operations import Log, Operation
from prove.sender import SETTLE_SECONDS, Sender

CALLERS = 20
#: How often a caller repeats an old operation, or sends a new one twice simultaneously.
REPEATED, TWICE = 0.12, 0.04
#: How often a caller connects anew: as long as a connection lasts, one worker serves it.
CONNECTED_ANEW = 0.05
#: Makes the next operation; None: there is none left.
Source = Callable[[random.Random], Operation | None]
SideTask = Callable[[Sender, random.Random], None]


@dataclass(frozen=True)
class SideTasks:
    """Requests that a caller sends in order, each after the answer to the one before.

    `share`: how much of what a caller does is a side task.
    """

    each: tuple[SideTask, ...] = ()
    share: float = 0.02


NO_SIDE_TASKS = SideTasks()


class Load:
    """Runs sources of operations with many callers in parallel."""

    def __init__(
        self,
        port: int,
        log: Log,
        seed: str,
        *,
        callers: int = CALLERS,
        side_tasks: SideTasks = NO_SIDE_TASKS,
    ) -> None:
        self._log = log
        self._port = port
        self._seed = seed
        self._callers = callers
        self._side_tasks = side_tasks
        self._rounds = 0
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, source: Source) -> None:
        """Let all callers send what the source makes."""
        self._rounds += 1
        self._is_over.clear()
        seeds = [f"{self._seed} {self._rounds} {number}" for number in range(self._callers)]
        self._threads = [
            threading.Thread(target=self._call, args=(source, random.Random(seed)), daemon=True)
            for seed in seeds
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Begin nothing new, and return once all that was begun is settled."""
        self._is_over.set()
        self.wait()

    def wait(self) -> None:
        """Return once the source has nothing left, and all is settled or was given up."""
        for thread in self._threads:
            thread.join(2 * SETTLE_SECONDS)
            if thread.is_alive():
                self._log.violate("settled", "a caller is still waiting for an answer")
        self._threads = []

    def _call(self, source: Source, chance: random.Random) -> None:
        caller = Caller(self._port)
        try:
            self._send_all(source, Sender(caller, self._log, chance), chance)
        except Exception as error:  # it would be lost with the thread
            self._log.violate("settled", f"a caller broke down: {error!r}")
        finally:
            caller.close()

    def _send_all(self, source: Source, sender: Sender, chance: random.Random) -> None:
        old: list[Operation] = []
        while not self._is_over.is_set():
            if chance.random() < CONNECTED_ANEW:
                sender.connect_anew()
            if old and chance.random() < REPEATED:
                sender.repeat(chance.choice(old))
                continue
            if self._side_tasks.each and chance.random() < self._side_tasks.share:
                chance.choice(self._side_tasks.each)(sender, chance)
                continue
            operation = source(chance)
            if operation is None:
                return
            self._log.begin(operation)
            if operation.has_key and operation.is_kept and chance.random() < TWICE:
                self._send_twice(sender, operation)
            else:
                sender.settle(operation, gives_up=operation.is_kept)
            if operation.is_repeatable:
                old.append(operation)

    def _send_twice(self, sender: Sender, operation: Operation) -> None:
        """Send it on two connections simultaneously: one may move money, the other waits."""
        other = Caller(self._port)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(other.send, operation)
            sender.settle(operation, is_twin=True)
            answer = second.result()
        other.close()
        sender.compare_twin(operation, answer)
