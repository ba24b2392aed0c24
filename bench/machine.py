"""What every benchmark stands on: a service of its own, and a clock that others cannot disturb.

Wall time tells what a quiet machine does. Processor time, of Python and of PostgreSQL apart, hardly
changes when others are at work too, so it is what two versions are compared by.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from config.database import PROFILE_VARIABLE, Profile
from config.environment import read
from core.postgres import Role, ensure_running

REPEATS = 3
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What `items` things took: seconds by the wall, and of processors."""

    items: int
    seconds: float
    python_seconds: float
    postgres_seconds: float


@contextmanager
def fresh_service() -> Iterator[Path]:
    """Run an empty, migrated database in a temporary directory, and set Django up on it.

    Django is the app's role, as a management command is. Yields the directory, which is the
    service's data directory; what is started as a child process uses it too.
    """
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as directory:
        os.environ |= {
            "WALLET_SERVICE_DATA_DIR": directory,
            "WALLET_SERVICE_RATE_LIMITS": "off",
            "WALLET_SERVICE_LOG_LEVEL": "warning",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            PROFILE_VARIABLE: Profile.OWNER,
        }
        with ensure_running(read().data_dir):
            django.setup()
            call_command("migrate", verbosity=0)
            connection.close()
            connection.settings_dict["USER"] = Role.APP
            os.environ[PROFILE_VARIABLE] = Profile.COMMAND
            try:
                yield Path(directory)
            finally:
                connection.close()


def measure(
    data_dir: Path, items: int, work: Callable[[], object], *, children: Sequence[int] = ()
) -> Cost:
    """Run `work`, which does `items` things in PostgreSQL and here, or in the `children` instead.

    `children` are ids of processes, whose own children count too.
    """
    server = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    started, before = time.monotonic(), _processor_seconds(server)
    python = _python_seconds(children)
    work()
    return Cost(
        items,
        time.monotonic() - started,
        _python_seconds(children) - python,
        _processor_seconds(server) - before,
    )


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


def _python_seconds(children: Sequence[int]) -> float:
    return sum(map(_processor_seconds, children)) if children else time.process_time()


def _processor_seconds(ancestor: int) -> float:
    """Return the processor time of a process and its children so far, of ended ones too."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            # After the name in parentheses, which may hold anything.
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile.
        if ancestor in (int(process.name), int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
        if ancestor == int(process.name):
            ticks += int(fields[13]) + int(fields[14])
    return ticks / _TICKS_PER_SECOND
