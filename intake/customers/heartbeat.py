"""A run's signs of life: while it shows them, the processor waits."""

import logging
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from intake.customers.progress import SILENCE_SECONDS
from intake.models import CustomerImport

logger = logging.getLogger(__name__)

BEAT_SECONDS = 3


class Heartbeat:
    """Beats in a thread of its own, so that a slow source or a slow batch is no silence."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self._stop = Event()
        self._thread = Thread(target=self._beat, name="seeding-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                CustomerImport.objects.filter(pk=self.run_id).update(heartbeat_at=Now())
            except (DatabaseError, InterfaceError):
                logger.warning("The seeding's heartbeat failed; it goes on trying.")
                connection.close()
        connection.close()


def release_run(run: CustomerImport) -> None:
    """Let the processor go on at once: this run has stopped, and says so."""
    CustomerImport.objects.filter(pk=run.pk).update(
        heartbeat_at=Now() - timedelta(seconds=SILENCE_SECONDS + 1)
    )
