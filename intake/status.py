"""The processor's state, for `/processor/status`, the health check and the metrics."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from core.times import rfc3339
from intake.customers.progress import current_import_run, latest_import_run
from intake.models import CustomerImport, ProcessorState
from intake.queue_length import queue_length

#: Longer than the heartbeat of a running processor ever pauses.
_HEARTBEAT_TIMEOUT_SECONDS = 10
PROCESSOR_STATES = ("idle", "processing", "paused_for_seeding", "stopped")
#: `idle`: no import yet. `interrupted`: stopped in the middle; the next start resumes it.
IMPORT_STATES = ("idle", "running", "interrupted", "completed")


def processor_state() -> str:
    """Return one of `PROCESSOR_STATES`."""
    return _current_state(*_read_state())


def derive_state(
    heartbeat_at: datetime | None, *, is_busy: bool, is_importing: bool, now: datetime
) -> str:
    """Return one of `PROCESSOR_STATES`, derived from the columns of `ProcessorState`."""
    if is_importing:
        return "paused_for_seeding"
    if heartbeat_at is None or heartbeat_at < now - timedelta(seconds=_HEARTBEAT_TIMEOUT_SECONDS):
        return "stopped"
    return "processing" if is_busy else "idle"


def processor_status() -> dict[str, Any]:
    """Return the body of `/processor/status`. `queued` counts those that were never tried."""
    state, now = _read_state()
    with connection.cursor() as cursor:
        queue = queue_length(cursor)
    return {
        "state": _current_state(state, now),
        "queued": queue.untried,
        "failed": queue.due + queue.retrying + state.failed,
        "completed": state.completed,
        "oldestQueuedSeconds": queue.oldest_seconds and round(queue.oldest_seconds, 3),
        "currentChunk": state.current_chunk,
        "lastChunk": _last_chunk(state),
        "nextRetryAt": queue.next_retry_at and rfc3339(queue.next_retry_at),
        "seeding": _import_status(),
    }


def _read_state() -> tuple[ProcessorState, datetime]:
    """Return the processor's state and the time by the database's clock, which sets heartbeats."""
    state = ProcessorState.objects.annotate(now=Now()).get(pk=1)
    return state, state.now


def _current_state(state: ProcessorState, now: datetime) -> str:
    return derive_state(
        state.heartbeat_at,
        is_busy=state.current_chunk is not None,
        is_importing=current_import_run() is not None,
        now=now,
    )


def _last_chunk(state: ProcessorState) -> dict[str, Any] | None:
    if state.last_chunk is None:
        return None
    summary = {name: state.last_chunk[name] for name in ("size", "latency", "seconds")}
    return {**summary, "value": Decimal(state.last_chunk["value"])}


def _import_status() -> dict[str, Any]:
    run = latest_import_run()
    if run is None:
        return {"state": "idle", "processed": 0, "rejected": 0, "total": 0}
    is_running = run.state == CustomerImport.State.RUNNING
    return {
        "state": "interrupted" if is_running and current_import_run() != run else run.state,
        "processed": run.processed,
        "rejected": run.rejected,
        "total": run.total,
    }
