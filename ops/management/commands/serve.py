"""`manage.py serve`: runs the whole service until a signal."""

import signal
import sys
from contextlib import ExitStack, suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ops import listen_address
from ops.embedded_postgres import Lease, ensure_running
from ops.supervisor import ServiceEnded, Stopped, Supervisor, TaskFailed


class Command(BaseCommand):
    """Runs the demo's database, the migrations, `seed_demo`, the web server and the worker."""

    help = "Run the service until SIGTERM or Ctrl-C; without DATABASE_URL, with its own database."
    # Each child process runs the checks; repeating them here would delay the start.
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Return after a signal. Raises `CommandError` when the service cannot run."""
        _require_free_port()
        for name in settings.UNKNOWN_VARIABLES:
            self.stderr.write(f"{name}: There is no such setting; it has no effect.")
        supervisor = Supervisor(report=self._report)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            supervisor.request_stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            with suppress(Stopped), ExitStack() as stack:
                if settings.IS_DEMO:
                    lease = stack.enter_context(ensure_running(settings.DATA_DIR))
                    supervisor.set_periodic_check(lambda: _revive(lease, supervisor))
                # Entered after the database, so that it exits before it.
                self._serve(stack.enter_context(supervisor))
        except TaskFailed:
            sys.exit(1)
        except ServiceEnded as end:
            raise CommandError(str(end)) from end

    def _serve(self, supervisor: Supervisor) -> None:
        url = listen_address.url(settings.HOST, settings.PORT)
        supervisor.run("manage.py", "migrate", "--verbosity=0")
        supervisor.start(
            "The web server", "-m", "gunicorn", "--config=python:config.gunicorn", "config.wsgi"
        )
        # In parallel with the start of the web server.
        welcome = supervisor.run("manage.py", "seed_demo") if settings.IS_DEMO else ""
        supervisor.start("The processor", "manage.py", "process_transactions")
        supervisor.wait(_service_answers)
        if settings.IS_DEMO:
            listen_address.note(settings.DATA_DIR, settings.HOST, settings.PORT)
        self.stdout.write(f"{welcome}The wallet service answers at {url}, its API is at {url}/api.")
        self.stdout.flush()
        supervisor.keep_running()

    def _report(self, sentence: str) -> None:
        self.stderr.write(sentence)
        self.stderr.flush()


def _revive(lease: Lease, supervisor: Supervisor) -> None:
    """Restart the database when it has died.

    Raises `EmbeddedPostgresError`, and `ServiceEnded` when it dies too often.
    """
    if lease.revive():
        supervisor.count_restart("The database", "died")


def _require_free_port() -> None:
    try:
        listen_address.require_free(settings.HOST, settings.PORT)
    except OSError as error:
        address = listen_address.address(settings.HOST, settings.PORT)
        raise CommandError(
            f"Cannot listen on {address}: {error.strerror}. HOST and PORT choose another address."
        ) from error


def _service_answers() -> bool:
    return listen_address.answers(settings.HOST, settings.PORT, settings.ALLOWED_HOSTS)
