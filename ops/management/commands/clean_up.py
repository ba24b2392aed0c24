"""`manage.py clean_up`: delete expired rows."""

from typing import Any

from django.core.management.base import BaseCommand

from ops.retention import delete_expired


class Command(BaseCommand):
    help = (
        "Delete expired tokens and sessions, old idempotency records and expired counters, as the"
        " worker does every hour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Deleted {delete_expired()}.")
