"""The benchmark's own service: an empty database in a temporary directory, and a worker on it."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.db import connection

from config.environment import VARIABLES
from harness.database import set_up_django
from harness.installation import Installation, running
from harness.processes import ISOLATED
from harness.waiting import wait_until
from ops.embedded_postgres import ensure_running


@contextmanager
def fresh_installation(**settings: str) -> Iterator[Installation]:
    """Run an empty, migrated database in a temporary directory, and set Django up on it.

    Settings of this process's environment count, but none that leads to another server.
    """
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as directory:
        installation = Installation(
            Path(directory),
            settings={
                **{name: os.environ[name] for name in VARIABLES if name in os.environ},
                **ISOLATED,
                # One caller sends what thousands would; counting them is not what is measured.
                "WALLET_SERVICE_RATE_LIMITS": "off",
                **settings,
            },
        )
        with ensure_running(installation.data_dir):
            set_up_django(installation.variables())
            try:
                yield installation
            finally:
                connection.close()


@contextmanager
def processor(installation: Installation) -> Iterator[int]:
    """Run the worker; yield its process id once it works and has run the jobs that were due."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    from intake.models import ProcessorState

    def is_settled() -> bool:
        ended = ProcrastinateJob.objects.filter(status="succeeded")
        pending = ProcrastinateJob.objects.filter(status__in=["todo", "doing"])
        works = ProcessorState.objects.filter(processor_id__isnull=False)
        return works.exists() and ended.exists() and not pending.exists()

    with running(installation.start("manage.py", "process_transactions")) as process:
        wait_until(is_settled)
        yield process.pid


def exit_in_order(longest_seconds: int) -> None:
    """Exit normally, which ends every child process, at SIGTERM or after so many seconds."""

    def leave(signal_number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal_number)

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, leave)
    signal.alarm(longest_seconds)
