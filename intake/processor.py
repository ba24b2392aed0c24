"""The processor: runs the chunks of the queue, one at a time in the whole installation."""

import logging
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from threading import Event

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core.errors import Unavailable
from core.money import plain
from core.times import rfc3339
from core.unit_of_work import requires_unit_of_work, unit_of_work
from intake.chunks import Chunk, ChunkTaken, choose, make_due_retries_ready, run, take_lease
from intake.customers.progress import current_import_run
from intake.models import ProcessorState
from wallets.assets import DEFAULT_CURRENCY, to_decimal

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.2
#: A processor whose heartbeat is older than this is dead: another one takes over.
HEARTBEAT_TIMEOUT_SECONDS = 3
_HEARTBEAT_SECONDS = 1


class Processor:
    """The processor of one process. Of several, one works and the others stand by."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()

    def run_until(self, stop: Event) -> None:
        """Run chunks until `stop` is set; the current chunk is finished first."""
        while not stop.is_set():
            try:
                has_run = self.step()
            except ChunkTaken:
                has_run = False
            except Unavailable as error:
                # The database is away, or a lock lasted too long: the next step tries again.
                logger.warning("The processor waits: %s", error)
                connection.close()
                has_run = False
            if not has_run:
                stop.wait(IDLE_SECONDS)
        with suppress(Unavailable):
            unit_of_work(self.release)

    def step(self) -> bool:
        """Run the next chunk. Returns whether there was one."""
        chosen = unit_of_work(self._choose_chunk)
        if not chosen:
            return False
        started = time.monotonic()
        chunk = unit_of_work(lambda: self._run_chunk(chosen, started))
        _log(chunk, time.monotonic() - started)
        return True

    def _choose_chunk(self) -> list[uuid.UUID]:
        """Choose a chunk and publish its size in the state, to be read while it runs."""
        take_lease()
        # By the database's clock, which all processors share: a host's clock may be wrong.
        state = ProcessorState.objects.annotate(now=Now()).get(pk=1)
        heartbeat_age = state.now - (state.heartbeat_at or state.now - timedelta(days=1))
        is_alive = heartbeat_age < timedelta(seconds=HEARTBEAT_TIMEOUT_SECONDS)
        if state.processor_id != self.id and is_alive:
            return []
        # Here and not only in a job: a retry must not depend on the scheduler.
        make_due_retries_ready()
        chosen = [] if current_import_run() else choose()
        is_heartbeat_due = heartbeat_age >= timedelta(seconds=_HEARTBEAT_SECONDS)
        if chosen or is_heartbeat_due or state.current_chunk or state.processor_id != self.id:
            state.processor_id = self.id
            state.heartbeat_at = state.now
            state.current_chunk = {"size": len(chosen)} if chosen else None
            state.save(update_fields=["processor_id", "heartbeat_at", "current_chunk"])
        return chosen

    def _run_chunk(self, chosen: list[uuid.UUID], started: float) -> Chunk:
        take_lease()
        chunk = run(chosen)
        state = ProcessorState.objects.get(pk=1)
        state.heartbeat_at = Now()
        state.current_chunk = None
        state.last_chunk = _chunk_summary(chunk, time.monotonic() - started)
        # Counted by the database: a customer who leaves counts up `failed`, too.
        state.completed = F("completed") + chunk.completed
        state.failed = F("failed") + chunk.given_up
        for labels, (transactions, amount_minor) in chunk.sums.items():
            key = " ".join(labels)
            count, total_minor = state.attempt_totals.get(key, (0, 0))
            state.attempt_totals[key] = [count + transactions, total_minor + amount_minor]
        state.save(
            update_fields=[
                "heartbeat_at",
                "current_chunk",
                "last_chunk",
                "completed",
                "failed",
                "attempt_totals",
            ]
        )
        return chunk

    @requires_unit_of_work
    def release(self) -> None:
        """Let another processor take over immediately."""
        ProcessorState.objects.filter(processor_id=self.id).update(
            processor_id=None, heartbeat_at=None, current_chunk=None
        )


def _chunk_summary(chunk: Chunk, seconds: float) -> dict[str, object]:
    return {
        "size": chunk.size,
        "value": plain(to_decimal(chunk.value_minor, DEFAULT_CURRENCY)),
        "latency": chunk.latency_ms,
        "seconds": round(seconds, 4),
        "at": rfc3339(timezone.now()),
    }


def _log(chunk: Chunk, seconds: float) -> None:
    logger.info(
        "A chunk of %s took %s ms: %s completed.",
        chunk.size,
        round(seconds * 1_000, 1),
        chunk.completed,
    )
    for failure in chunk.failures:
        # With the id of the request that queued it, so that a search for the id finds this line.
        logger.info(
            "Queued transaction %s failed: %s.",
            failure.queued_id,
            failure.code,
            extra={"request_id": failure.request_id},
        )
