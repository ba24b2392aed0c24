"""The heartbeat of an import: while it beats, the processor runs no chunk."""

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

HEARTBEAT_SECONDS = 3


class Heartbeat:
    """Updates `heartbeat_at` in its own thread, so that a slow source or batch does not stop it."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self._stop = Event()
        self._thread = Thread(target=self._beat, name="import-heartbeat", daemon=True)

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
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                CustomerImport.objects.filter(pk=self.run_id).update(heartbeat_at=Now())
            except (DatabaseError, InterfaceError):
                logger.warning("The import's heartbeat failed; it is tried again.")
                connection.close()
        connection.close()


def release_run(run: CustomerImport) -> None:
    """Mark the run as stopped, so that the processor goes on immediately."""
    CustomerImport.objects.filter(pk=run.pk).update(
        heartbeat_at=Now() - timedelta(seconds=SILENCE_SECONDS + 1)
    )
