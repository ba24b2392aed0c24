"""What everything stands on: which machine this is, and a clock that others cannot disturb.

Wall time tells what a quiet machine does. Processor time, of Python and of PostgreSQL apart, hardly
changes when others are at work too, so it is what two versions are compared by.
"""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.embedded_postgres import programs

REPEATS = 3
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_FSYNCS = 300
_PAGE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the figures come from."""

    cores: int
    memory_gib: float
    kernel: str
    python: str
    postgres: str
    fsync_ms: float
    load_before: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What `items` things took: seconds by the wall, and of processors."""

    items: int
    seconds: float
    python_seconds: float
    postgres_seconds: float


def describe_machine() -> Machine:
    """Look at the machine. The load is that of the minute before."""
    said = subprocess.run(
        [programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgres=said.stdout.split()[-1],
        fsync_ms=round(_fsync_ms(), 3),
        load_before=round(os.getloadavg()[0], 2),
    )


class Stopwatch:
    """Counts from its making on: the wall's time, and the processors' of two families.

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
        """Return what it took to do so many things."""
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
    """Return what memory each child of a process has in use."""
    return [
        int(line.split()[1]) / 1024
        for child in _children_of(process)
        for line in Path(f"/proc/{child}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    ]


def show(name: str, costs: Sequence[Cost]) -> None:
    """Print one line: the medians, and how busy the machine was."""
    rate = statistics.median(cost.items / cost.seconds for cost in costs)
    python_us = statistics.median(cost.python_seconds / cost.items * 1e6 for cost in costs)
    postgres_us = statistics.median(cost.postgres_seconds / cost.items * 1e6 for cost in costs)
    print(
        f"{name:<36} {rate:>9,.0f}/s   python {python_us:>5.1f} µs"
        f"   postgres {postgres_us:>5.1f} µs   load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


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


def _children_of(ancestor: int) -> list[int]:
    return [process for process, fields in _processes() if int(fields[1]) == ancestor]


def _processor_seconds(ancestor: int) -> float:
    """Return the processor time of a process and its children so far, of ended ones too."""
    ticks = 0
    for process, fields in _processes():
        if ancestor in (process, int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
        if ancestor == process:
            ticks += int(fields[13]) + int(fields[14])
    return ticks / _TICKS_PER_SECOND


def _processes() -> list[tuple[int, list[str]]]:
    """Return each process's id, and what its `stat` says after the name."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            # After the name in parentheses, which may hold anything.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile.
        found.append((int(process.name), fields))
    return found
