"""`manage.py clean_up`: what has outlived its days."""

from typing import Any

from django.core.management.base import BaseCommand

from ops.retention import delete_expired


class Command(BaseCommand):
    help = (
        "Delete expired tokens and sessions, old idempotency records and the counters of past"
        " minutes, as the worker does."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Deleted {delete_expired()}.")
