"""What the processor does, for `/processor/status` and the health check."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from core.times import rfc3339
from intake.customers.progress import current_run, latest_run
from intake.models import CustomerImport, ProcessorState
from intake.queue_length import waiting

#: Longer than a processor is ever silent, while it works or idles.
_SILENCE_SECONDS = 10
PROCESSOR_STATES = ("idle", "processing", "paused_for_seeding", "stopped")
#: None yet; at work; stopped in the middle, for the next start to go on; done.
SEEDING_STATES = ("idle", "running", "interrupted", "completed")


def processor_state() -> str:
    """Return one of `PROCESSOR_STATES`."""
    return _present(*_read())


def state_of(
    heartbeat_at: datetime | None, *, is_busy: bool, is_seeding: bool, now: datetime
) -> str:
    """Return what the processor does, by what it said of itself."""
    if is_seeding:
        return "paused_for_seeding"
    if heartbeat_at is None or heartbeat_at < now - timedelta(seconds=_SILENCE_SECONDS):
        return "stopped"
    return "processing" if is_busy else "idle"


def processor_status() -> dict[str, Any]:
    """Return `/processor/status` as JSON values. `queued` have not been tried yet."""
    state, now = _read()
    with connection.cursor() as cursor:
        told = waiting(cursor)
    return {
        "state": _present(state, now),
        "queued": told.untried,
        "failed": told.due + told.retrying + state.failed,
        "completed": state.completed,
        "oldestQueuedSeconds": told.oldest_seconds and round(told.oldest_seconds, 3),
        "currentChunk": state.current_chunk,
        "lastChunk": _last_chunk(state),
        "nextRetryAt": told.next_retry_at and rfc3339(told.next_retry_at),
        "seeding": _seeding(),
    }


def _read() -> tuple[ProcessorState, datetime]:
    """Return the processor's state, and the time by the clock of its heartbeat: the database's."""
    state = ProcessorState.objects.annotate(now=Now()).get(pk=1)
    return state, state.now


def _present(state: ProcessorState, now: datetime) -> str:
    return state_of(
        state.heartbeat_at,
        is_busy=state.current_chunk is not None,
        is_seeding=current_run() is not None,
        now=now,
    )


def _last_chunk(state: ProcessorState) -> dict[str, Any] | None:
    if state.last_chunk is None:
        return None
    told = {name: state.last_chunk[name] for name in ("size", "latency", "seconds")}
    return {**told, "value": Decimal(state.last_chunk["value"])}


def _seeding() -> dict[str, Any]:
    run = latest_run()
    if run is None:
        return {"state": "idle", "processed": 0, "rejected": 0, "total": 0}
    is_running = run.state == CustomerImport.State.RUNNING
    return {
        "state": "interrupted" if is_running and current_run() != run else run.state,
        "processed": run.processed,
        "rejected": run.rejected,
        "total": run.total,
    }
