"""Callers that are processes of their own, as double_entry's jack hammer has them."""

import multiprocessing
import random
from contextlib import suppress
from multiprocessing.connection import Connection

from prove.load import CALLERS, Load, Source
from prove.operations import Log, Operation
from prove.sender import SETTLE_SECONDS

#: Spawned, not forked: they get neither this process's threads nor its sessions of PostgreSQL.
_PROCESSES = multiprocessing.get_context("spawn")


class CallerProcesses:
    """Runs sources of operations with many processes, which live as long as this one."""

    def __init__(self, port: int, log: Log, seed: str) -> None:
        self._port = port
        self._log = log
        self._seed = seed
        self._chance = random.Random(seed)
        self._pipes: list[Connection] = []

    def start(self, source: Source) -> None:
        """Draw all that the source makes, and let each process send its part."""
        self._pipes = self._pipes or self._start_processes()
        operations = []
        while (operation := source(self._chance)) is not None:
            self._log.begin(operation)
            operations.append(operation)
        for number, pipe in enumerate(self._pipes):
            pipe.send(operations[number :: len(self._pipes)])

    def wait(self) -> None:
        """Return once all is settled, or was given up."""
        for pipe in self._pipes:
            if pipe.poll(2 * SETTLE_SECONDS):
                self._log.take_over(pipe.recv())
            else:
                self._log.violate("settled", "a caller's process is still waiting for an answer")

    def _start_processes(self) -> list[Connection]:
        """Start the processes, and wait until each is ready: then all begin together."""
        pipes = []
        for number in range(CALLERS):
            ours, theirs = _PROCESSES.Pipe()
            arguments = (theirs, self._port, f"{self._seed} {number}")
            # As a daemon it ends with this process.
            _PROCESSES.Process(target=_call, args=arguments, daemon=True).start()
            theirs.close()
            pipes.append(ours)
        for pipe in pipes:
            pipe.recv()
        return pipes


def _call(pipe: Connection, port: int, seed: str) -> None:
    """Send the operations that come, and hand the log over, until the parent has ended."""
    log = Log(seed)
    load = Load(port, log, seed, callers=1)
    with suppress(EOFError, KeyboardInterrupt):
        pipe.send("ready")
        while True:
            load.start(_source_of(pipe.recv()))
            load.wait()
            pipe.send(log.hand_over())


def _source_of(operations: list[Operation]) -> Source:
    drawn = iter(operations)
    return lambda _chance: next(drawn, None)
