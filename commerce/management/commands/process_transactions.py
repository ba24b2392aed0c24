"""`manage.py process_transactions`: the worker."""

import signal
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commerce.processor import Processor
from commerce.worker import PartEnded, run_together
from core.jobs import Scheduler


class Command(BaseCommand):
    help = (
        "Run queued transactions and scheduled work until SIGTERM or Ctrl-C. Several may run: one"
        " processes, and each job runs once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
        parts = {
            "The processor": Processor().run_until,
            "The scheduler": Scheduler().run_until,
        }
        try:
            run_together(parts, stop)
        except PartEnded as end:
            raise CommandError(str(end)) from end
