"""`manage.py process_transactions`: the worker."""

import signal
from functools import partial
from threading import Event
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from intake.processor import Processor
from ops.scheduler import Scheduler
from ops.worker import Part, ServiceEnded, run_together


class Command(BaseCommand):
    help = (
        "Run queued transactions and scheduled work until SIGTERM or Ctrl-C; import customers first"
        " when WALLET_SERVICE_SEED_URL is set. Several may run: one processes, each job runs once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
        services: dict[str, Part] = {
            "The processor": Processor().run_until,
            "The scheduler": Scheduler().run_until,
        }
        try:
            run_together(services, _tasks(), stop)
        except ServiceEnded as end:
            raise CommandError(str(end)) from end


def _tasks() -> dict[str, Part]:
    if not settings.SEED_URL:
        return {}
    # A local import: the S3 client is slow to load, and most workers import no customers.
    from intake.customers.at_start import import_at_start  # noqa: PLC0415

    return {"The import of customers": partial(import_at_start, settings.SEED_URL)}
