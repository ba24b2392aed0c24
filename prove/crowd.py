"""Callers that are processes of their own, as double_entry's jack hammer has them."""

import multiprocessing
import random
from contextlib import suppress
from multiprocessing.connection import Connection

from prove.load import CALLERS, SETTLE_SECONDS, Load, Source
from prove.operations import Log, Operation

#: Nothing of this process is taken along, neither its threads nor its sessions of PostgreSQL.
_PROCESSES = multiprocessing.get_context("spawn")


class Crowd:
    """Runs sources of operations with many processes at once; they live as long as this one."""

    def __init__(self, port: int, log: Log, seed: str) -> None:
        self._port = port
        self._log = log
        self._seed = seed
        self._chance = random.Random(seed)
        self._lines: list[Connection] = []

    def start(self, source: Source) -> None:
        """Draw all that the source makes, and let each process send its part."""
        self._lines = self._lines or self._hire()
        operations = []
        while (operation := source(self._chance)) is not None:
            self._log.begin(operation)
            operations.append(operation)
        for number, line in enumerate(self._lines):
            line.send(operations[number :: len(self._lines)])

    def wait(self) -> None:
        """Return once all is settled, or was given up."""
        for line in self._lines:
            if line.poll(2 * SETTLE_SECONDS):
                self._log.take_over(line.recv())
            else:
                self._log.violate("settled", "a caller's process is still waiting for an answer")

    def _hire(self) -> list[Connection]:
        """Start the processes, and wait until each has come up: then all begin at once."""
        lines = []
        for number in range(CALLERS):
            ours, theirs = _PROCESSES.Pipe()
            arguments = (theirs, self._port, f"{self._seed} {number}")
            # As a daemon it ends with this process.
            _PROCESSES.Process(target=_call, args=arguments, daemon=True).start()
            theirs.close()
            lines.append(ours)
        for line in lines:
            line.recv()
        return lines


def _call(line: Connection, port: int, seed: str) -> None:
    """Send what comes, and give it back with what became of it, until nobody is there any more."""
    log = Log(seed)
    load = Load(port, log, seed, callers=1)
    with suppress(EOFError, KeyboardInterrupt):
        line.send("here")
        while True:
            load.start(_source_of(line.recv()))
            load.wait()
            line.send(log.hand_over())


def _source_of(operations: list[Operation]) -> Source:
    drawn = iter(operations)
    return lambda _chance: next(drawn, None)
