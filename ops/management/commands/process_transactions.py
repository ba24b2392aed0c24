"""`manage.py process_transactions`: the worker."""

import signal
from functools import partial
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from intake.processor import Processor
from ledger.hold_expiry import release_until
from ops.scheduler import Scheduler
from ops.worker import ServiceEnded, ThreadTarget, run_threads


class Command(BaseCommand):
    help = (
        "Run queued transactions and scheduled jobs until SIGTERM or Ctrl-C. Import customers first"
        " when WALLET_SERVICE_SEED_URL is set. Several workers may run: one processes the queue,"
        " and each job runs once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        is_stop_requested = False

        def request_stop(_signal: int, _frame: FrameType | None) -> None:
            nonlocal is_stop_requested
            is_stop_requested = True

        signal.signal(signal.SIGTERM, request_stop)
        signal.signal(signal.SIGINT, request_stop)
        services: dict[str, ThreadTarget] = {
            "The processor": Processor().run_until,
            "The scheduler": Scheduler().run_until,
            "The release of expired holds": release_until,
        }
        try:
            run_threads(services, _tasks(), lambda: is_stop_requested)
        except ServiceEnded as end:
            raise CommandError(str(end)) from end


def _tasks() -> dict[str, ThreadTarget]:
    if not settings.SEED_URL:
        return {}
    # Imported here: the S3 clients load slowly, and most workers import no customers.
    from intake.customers.at_start import import_at_start  # noqa: PLC0415

    return {"The customer import": partial(import_at_start, settings.SEED_URL)}
