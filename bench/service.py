"""A service of the bench's own: a database in a temporary directory, a web server, a worker."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import django
from django.core.management import call_command
from django.db import connection

from config.database import PROFILE_VARIABLE, Profile
from config.environment import BASE_DIR, UNPREFIXED, read
from ops.embedded_postgres import Role, ensure_running
from ops.listen_address import answers

PATIENCE_SECONDS = 300
_STOP_SECONDS = 20
_POLL_SECONDS = 0.05


@contextmanager
def fresh_service() -> Iterator[Path]:
    """Run an empty, migrated database in a temporary directory, and set Django up on it.

    Django is the app's role, as a management command is. Yields the directory, which is the
    service's data directory; what is started as a child process uses it too.
    """
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as directory:
        os.environ |= {
            # Of the settings that lead to other servers, none.
            **dict.fromkeys(UNPREFIXED, ""),
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "WALLET_SERVICE_DATA_DIR": directory,
            # One caller sends what thousands would; counting them is not what is measured.
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


@contextmanager
def running(*command: str, variables: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run `python` with these arguments and yield the id of its process. It is ended at the end."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=BASE_DIR, env=environment(variables or {})
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def web_server(variables: Mapping[str, str] | None = None) -> Iterator[int]:
    """Serve as `make run` does, and yield gunicorn's process once the port answers."""
    variables = variables or {}
    port = int(variables.get("PORT", os.environ["PORT"]))
    command = ("-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi")
    with running(*command, variables=variables) as process:
        wait_until(lambda: answers("127.0.0.1", port, ["localhost"]))
        yield process


@contextmanager
def processor() -> Iterator[int]:
    """Run the worker, and yield its process once it works and has done what fell due before."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    from intake.models import ProcessorState

    def is_settled() -> bool:
        ended = ProcrastinateJob.objects.filter(status="succeeded")
        pending = ProcrastinateJob.objects.filter(status__in=["todo", "doing"])
        works = ProcessorState.objects.filter(processor_id__isnull=False)
        return works.exists() and ended.exists() and not pending.exists()

    with running("manage.py", "process_transactions") as process:
        wait_until(is_settled)
        yield process


def end_in_order(longest_seconds: int) -> None:
    """Leave by the normal way out, which ends all that was started, when told or after so long."""

    def leave(signal_number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signal_number)

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, leave)
    signal.alarm(longest_seconds)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what a child process sees: this service, and `variables`."""
    inherited = {name: value for name, value in os.environ.items() if name != PROFILE_VARIABLE}
    return {**inherited, **variables}


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for the service to get there. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The service took longer than {PATIENCE_SECONDS} seconds.")
        time.sleep(_POLL_SECONDS)
