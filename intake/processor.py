"""The processor: runs the queue's chunks, one at a time over the whole installation."""

import logging
import time
import uuid
from contextlib import suppress
from datetime import timedelta
from threading import Event

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from core.errors import Unavailable
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from intake.chunks import Chunk, ChunkTaken, choose, make_due_retries_ready, run, take_lease
from intake.customers.progress import current_run
from intake.models import ProcessorState
from wallets.assets import DEFAULT_CURRENCY, to_decimal

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.2
#: A processor that was silent for this long is dead: another one takes over.
SILENCE_SECONDS = 3
_HEARTBEAT_SECONDS = 1


class Processor:
    """One process's part in it: it works while it is the one, and stands by otherwise."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()

    def run_until(self, stop: Event) -> None:
        """Run chunks until `stop` is set; a chunk in hand is finished first."""
        while not stop.is_set():
            try:
                worked = self.step()
            except ChunkTaken:
                worked = False
            except Unavailable as pause:
                # A lock that lasted too long is one, too: the next step tries again.
                logger.warning("The processor waits: %s", pause)
                connection.close()
                worked = False
            if not worked:
                stop.wait(IDLE_SECONDS)
        with suppress(Unavailable):
            unit_of_work(self.leave)

    def step(self) -> bool:
        """Run the next chunk. Returns whether there was one."""
        chosen = unit_of_work(self._choose)
        if not chosen:
            return False
        started = time.monotonic()
        chunk = unit_of_work(lambda: self._run(chosen, started))
        _log(chunk, time.monotonic() - started)
        return True

    def _choose(self) -> list[uuid.UUID]:
        """Choose a chunk and say so, for everyone to see while it runs."""
        take_lease()
        # By the database's clock, which all processors share: a host's may be wrong.
        state = ProcessorState.objects.annotate(now=Now()).get(pk=1)
        silent_for = state.now - (state.heartbeat_at or state.now - timedelta(days=1))
        if state.processor_id != self.id and silent_for < timedelta(seconds=SILENCE_SECONDS):
            return []
        # Here, not in a job: a retry must not wait for the scheduler to be alive.
        make_due_retries_ready()
        chosen = [] if current_run() else choose()
        is_time = silent_for >= timedelta(seconds=_HEARTBEAT_SECONDS)
        if chosen or is_time or state.current_chunk or state.processor_id != self.id:
            state.processor_id = self.id
            state.heartbeat_at = state.now
            state.current_chunk = {"size": len(chosen)} if chosen else None
            state.save()
        return chosen

    def _run(self, chosen: list[uuid.UUID], started: float) -> Chunk:
        take_lease()
        chunk = run(chosen)
        state = ProcessorState.objects.get(pk=1)
        state.heartbeat_at = Now()
        state.current_chunk = None
        state.last_chunk = _told(chunk, time.monotonic() - started)
        state.completed += chunk.completed
        state.failed += chunk.given_up
        for labels, (transactions, amount_minor) in chunk.sums.items():
            key = " ".join(labels)
            before, before_minor = state.moved.get(key, (0, 0))
            state.moved[key] = [before + transactions, before_minor + amount_minor]
        state.save()
        return chunk

    def leave(self) -> None:
        """Let another one take over at once. Requires a unit of work."""
        ProcessorState.objects.filter(processor_id=self.id).update(
            processor_id=None, heartbeat_at=None, current_chunk=None
        )


def _told(chunk: Chunk, seconds: float) -> dict[str, object]:
    return {
        "size": chunk.size,
        "value": str(to_decimal(chunk.value_minor, DEFAULT_CURRENCY)),
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
        # Of the request that sent it, so that its id leads here.
        logger.info(
            "Queued transaction %s failed: %s.",
            failure.queued_id,
            failure.code,
            extra={"request_id": failure.request_id},
        )
