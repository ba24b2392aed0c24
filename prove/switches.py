"""Shared memory by which the proof switches faults on in processes that already run."""

import mmap
import os
import struct
from enum import IntEnum
from pathlib import Path

#: Names the file in the environment of each process.
VARIABLE = "PROVE_SWITCHES"
_CLOCK = struct.Struct("d")
_SIZE = 64


class Failpoint(IntEnum):
    """Where a process kills itself once it is armed. The value is the offset of its byte."""

    BEFORE_STATEMENT = 16
    BEFORE_COMMIT = 17
    AFTER_COMMIT = 18
    IN_ANSWER = 19


class Switches:
    """The shared bytes, in a file. A new file is all zeros: nothing is switched on."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(descriptor, _SIZE)
        self._memory = mmap.mmap(descriptor, _SIZE)
        os.close(descriptor)

    @property
    def clock_offset(self) -> float:
        """The error of the application's clock, in seconds."""
        (seconds,) = _CLOCK.unpack_from(self._memory)
        return float(seconds)

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        _CLOCK.pack_into(self._memory, 0, seconds)

    def arm(self, failpoint: Failpoint) -> None:
        """Let the next process that reaches the failpoint kill itself."""
        self._memory[failpoint] = 1

    def disarm(self, failpoint: Failpoint) -> None:
        self._memory[failpoint] = 0

    def is_armed(self, failpoint: Failpoint) -> bool:
        return self._memory[failpoint] == 1

    def take(self, failpoint: Failpoint) -> bool:
        """Disarm the failpoint, and return whether it was armed."""
        if self._memory[failpoint] == 0:
            return False
        self._memory[failpoint] = 0
        return True
