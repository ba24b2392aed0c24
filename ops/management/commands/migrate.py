"""`manage.py migrate`: Django's command with a lock timeout, so that it never blocks payments."""

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg import errors as pg

from ops.migration_history import UnsupportedDatabase, require_supported_history

# While a migration waits for a table's lock, all requests that need the table queue up behind it
# and fail after WALLET_SERVICE_LOCK_TIMEOUT_MS (5000). The migration therefore gives up earlier,
# lets them pass, and retries for five minutes.
LOCK_TIMEOUT_MS = 2_000
PAUSE_SECONDS = 3
ATTEMPTS = 60


class Command(migrate.Command):
    """Retries from the migration that did not get its lock; those before it are committed."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Migrate.

        Raises `CommandError` when a table stays locked, or when the database cannot be upgraded.
        """
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT_MS])
        try:
            for attempt in range(ATTEMPTS):
                if attempt:
                    self.stderr.write(f"A table is in use. Retrying in {PAUSE_SECONDS} seconds.")
                    time.sleep(PAUSE_SECONDS)
                try:
                    require_supported_history(connection)
                    super().handle(*arguments, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, pg.LockNotAvailable):
                        raise
                except UnsupportedDatabase as error:
                    raise CommandError(f"Not migrated: {error}.") from error
                else:
                    return
        finally:
            # The next connection has no lock timeout.
            connection.close()
        raise CommandError(
            "A table was locked for the whole time, perhaps by a dump or an open console. The"
            " migrations that ran are committed; run the command again for the others."
        )
