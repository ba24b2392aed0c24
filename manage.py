#!/usr/bin/env python
"""Runs a management command; in the demo, with the embedded PostgreSQL running."""

import os
import signal
import sys
from contextlib import ExitStack
from types import FrameType

from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError
from psycopg import errors as pg

from config import environment
from config.database import PROFILE_VARIABLE, Profile
from ops import embedded_postgres

# These need the rights of the owner, because they change or copy whole tables.
OWNER_COMMANDS = {"backup", "make_partitions", "makemigrations", "migrate", "restore"}
# These use no database, or start it themselves.
COMMANDS_WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "demo_reset",
    "diffsettings",
    "doctor",
    "findstatic",
    "help",
    "serve",
    "smoke",
    "spectacular",
    "version",
}


# The long-running commands.
TRACED_COMMANDS = {"process_transactions"}

NOT_MIGRATED = (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedFunction)


def main(arguments: list[str]) -> None:
    """Run the command. Errors that prevent its start end the process, with a line for each."""
    command = arguments[1] if len(arguments) > 1 else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ[PROFILE_VARIABLE] = Profile.OWNER if command in OWNER_COMMANDS else Profile.COMMAND
    signal.signal(signal.SIGTERM, _exit)
    try:
        settings = environment.read()
        with ExitStack() as stack:
            if settings.is_demo and not _runs_without_database(command, arguments):
                stack.enter_context(embedded_postgres.ensure_running(settings.data_dir))
            if settings.otel_exporter_otlp_endpoint and command in TRACED_COMMANDS:
                from config import tracing  # noqa: PLC0415 (only with an endpoint)

                tracing.set_up(with_requests=False)
            execute_from_command_line(arguments)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output, as `head` does, has read enough. What Python still holds of it
        # would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (environment.WrongSettings, embedded_postgres.EmbeddedPostgresError) as error:
        sys.exit(str(error))
    except ProgrammingError as error:
        if "--traceback" in arguments or not isinstance(error.__cause__, NOT_MIGRATED):
            raise
        sys.exit("The database is empty or of another version: `manage.py migrate` upgrades it.")
    except OperationalError as error:
        if "--traceback" in arguments:
            raise
        sys.exit(f"The database does not answer: {str(error).splitlines()[0]}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _runs_without_database(command: str, arguments: list[str]) -> bool:
    only_shows_text = command.startswith("-") or {"-h", "--help"}.intersection(arguments)
    return bool(only_shows_text) or command in COMMANDS_WITHOUT_DATABASE


def _exit(signal_number: int, _frame: FrameType | None) -> None:
    """Exit normally, which releases the embedded server."""
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    main(sys.argv)
