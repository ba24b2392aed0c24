"""`manage.py demo_reset`: a fresh demo at the next start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ops import embedded_postgres


class Command(BaseCommand):
    """Deletes the embedded database; what else is in the data directory stays."""

    help = "Delete the demo's database. Refuses while it is in use, and with DATABASE_URL."
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Delete it."""
        if not settings.IS_DEMO:
            raise CommandError("With DATABASE_URL there is no demo database to delete.")
        embedded_postgres.delete(settings.DATA_DIR)
        self.stdout.write(f"There is no demo database in {settings.DATA_DIR} any more.")
