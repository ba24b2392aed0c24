"""`manage.py migrate`: Django's, except that no money waits behind it."""

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg import errors as pg

# Whoever needs a table for which a migration waits queues up behind it, and gives up after
# WALLET_SERVICE_LOCK_TIMEOUT_MS (5000). So the migration gives up before that, lets all of them
# pass, and comes back: for five minutes.
LOCK_TIMEOUT_MS = 2_000
PAUSE_SECONDS = 3
ATTEMPTS = 60


class Command(migrate.Command):
    """Begins anew with the migration that did not get its lock; those before it are done."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Migrate. Raises `CommandError` when somebody keeps a table for all that time."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT_MS])
        try:
            for attempt in range(ATTEMPTS):
                if attempt:
                    self.stderr.write(f"A table is in use. Once more in {PAUSE_SECONDS} seconds.")
                    time.sleep(PAUSE_SECONDS)
                try:
                    super().handle(*arguments, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, pg.LockNotAvailable):
                        raise
                else:
                    return
        finally:
            # Whoever connects next waits as long as it takes.
            connection.close()
        raise CommandError(
            "A table was in use all the time, by a dump or an open console perhaps. What was"
            " migrated stays; run it again for the rest."
        )
