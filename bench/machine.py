"""Which machine this is, and a stopwatch for wall time and processor time.

Wall time holds for a quiet machine only. Processor time, of Python and of PostgreSQL apart, hardly
changes when other programs run too: compare two versions by it.
"""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.embedded_postgres import programs

REPEATS = 3
_FSYNCS = 300
_PAGE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine on which a run was measured."""

    cores: int
    memory_gib: float
    kernel: str
    python: str
    postgres: str
    fsync_ms: float
    load_before: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What `items` items took: seconds of wall time and of processor time."""

    items: int
    seconds: float
    python_seconds: float
    postgres_seconds: float


def describe_machine() -> Machine:
    """Look at the machine. The load is that of the minute before."""
    version = subprocess.run(
        [programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgres=version.stdout.split()[-1],
        fsync_ms=round(_fsync_ms(), 3),
        load_before=round(os.getloadavg()[0], 2),
    )


class Stopwatch:
    """Counts, from its making on, wall time and the processor time of two groups of processes.

    One is PostgreSQL's, on `data_dir`. The other one is this process, or `children`: ids of
    processes, whose own children count too.
    """

    def __init__(self, data_dir: Path, children: Sequence[int] = ()) -> None:
        self._server = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        self._children = children
        self._postgres = _processor_seconds(self._server)
        self._python = _python_seconds(children)
        self._started = time.monotonic()

    def stop(self, items: int) -> Cost:
        """Return the cost of so many items."""
        return Cost(
            items,
            time.monotonic() - self._started,
            _python_seconds(self._children) - self._python,
            _processor_seconds(self._server) - self._postgres,
        )


def measure(
    data_dir: Path, items: int, work: Callable[[], object], *, children: Sequence[int] = ()
) -> Cost:
    """Run `work`, which does `items` things in PostgreSQL and here, or in `children` instead."""
    watch = Stopwatch(data_dir, children)
    work()
    return watch.stop(items)


def resident_mib(process: int) -> list[float]:
    """Return the resident memory of each child of a process."""
    return [child.memory_info().rss / 2**20 for child in psutil.Process(process).children()]


def _fsync_ms() -> float:
    """Return the median of what a flush of one page takes, where the database will be."""
    times = []
    with tempfile.NamedTemporaryFile(prefix="wallet-bench-") as file:
        for _ in range(_FSYNCS):
            os.pwrite(file.fileno(), bytes(_PAGE_BYTES), 0)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _python_seconds(children: Sequence[int]) -> float:
    return sum(map(_processor_seconds, children)) if children else time.process_time()


def _processor_seconds(ancestor: int) -> float:
    """Return the processor time of a process and its children so far, ended ones included."""
    process = psutil.Process(ancestor)
    used = process.cpu_times()
    seconds = used.user + used.system + used.children_user + used.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            of_child = child.cpu_times()
            seconds += of_child.user + of_child.system
    return float(seconds)
