"""`manage.py demo_reset`: delete the demo's database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ops import embedded_postgres


class Command(BaseCommand):
    """Deletes the embedded database; other files in the data directory stay."""

    help = "Delete the demo's database. Refuses while it is in use, and with DATABASE_URL."
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Delete it."""
        if not settings.IS_DEMO:
            raise CommandError("With DATABASE_URL there is no demo database to delete.")
        embedded_postgres.delete(settings.DATA_DIR)
        self.stdout.write(f"The demo database in {settings.DATA_DIR} is deleted.")
