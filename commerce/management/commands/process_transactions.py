"""`manage.py process_transactions`: the processor of the queue."""

import signal
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from commerce.processor import Processor


class Command(BaseCommand):
    help = "Run queued transactions until SIGTERM or Ctrl-C. Several may run: one works."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
        Processor().run_until(stop)
