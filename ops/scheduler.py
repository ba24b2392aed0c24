"""Scheduled work: how procrastinate runs it in each worker, and how it stands.

A room's jobs are in its `tasks.py`. Every worker defers them when they are due and takes what it
finds; procrastinate's tables see to it that each is deferred and taken once, however many workers
run. Nothing that decides about money waits for a job.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from django.db.models import Q
from django.db.models.functions import Now
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

#: A worker that shows no life for this long is dead, and the job it had in hand stalled.
SILENCE_SECONDS = 60
#: A job whose workers die this many times is given up.
MAX_STALLS = 3
#: So many run at a time. Only a verification takes long; its `lock` leaves the rest to the others.
CONCURRENCY = 2
#: Jobs that ended are kept this long, for whoever wants to know.
KEPT_HOURS = 7 * 24

_STOP_POLL_SECONDS = 0.1
_RESTART_SECONDS = 5
# What a running job gets at the end before it is asked to break off.
_GRACE_SECONDS = 1
# A scheduler that ends by itself twice within this time is broken.
_HEALTHY_SECONDS = 60


class SchedulerBroken(Exception):
    """The scheduler ended again and again although the database answers."""


class Scheduler:
    """One process's procrastinate worker: defers what is due, and runs it, two jobs at a time.

    It polls and does not LISTEN: what is due every few minutes can wait for seconds, and a poll
    passes through a transaction pooler.
    """

    def run_until(self, stop: Event) -> None:
        """Run jobs until `stop` is set; then those in hand get a moment to end.

        While the database is away it waits, as the processor does. Raises `SchedulerBroken`.
        """
        ended_at = float("-inf")
        while not stop.is_set():
            try:
                asyncio.run(_work_until(stop))
            except (ConnectorException, OperationalError) as error:
                if not _is_away(error):
                    raise
                logger.warning("The scheduler waits for the database: %s", error)
            else:
                # A part of it failed, which procrastinate has logged: the database, most likely.
                if not stop.is_set() and time.monotonic() - ended_at < _HEALTHY_SECONDS:
                    raise SchedulerBroken("The scheduler ended twice within a minute.")
                ended_at = time.monotonic()
            stop.wait(_RESTART_SECONDS)


def _is_away(error: Exception) -> bool:
    """Return whether the database is, and not something of ours broken."""
    cause = error.__cause__ if isinstance(error, ConnectorException) else error
    return isinstance(cause, (OperationalError, InterfaceError))


async def _work_until(stop: Event) -> None:
    work = asyncio.create_task(_work())
    while not work.done() and not stop.is_set():
        await asyncio.wait({work}, timeout=_STOP_POLL_SECONDS)
    if not work.done():
        work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def _work() -> None:
    connector = PsycopgConnector(
        kwargs=connector_params(), min_size=1, max_size=2, timeout=_GRACE_SECONDS
    )
    with app.replace_connector(connector):
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY,
                install_signal_handlers=False,
                listen_notify=False,
                shutdown_graceful_timeout=_GRACE_SECONDS,
            )


@dataclass(frozen=True, slots=True)
class Overview:
    """How the scheduled work stands."""

    #: Names of the jobs whose last run failed, in their order.
    failed: list[str]
    #: Names of the jobs that a worker left behind when it died.
    stalled: list[str]
    #: How many workers show life.
    workers: int


def overview() -> Overview:
    """Look at procrastinate's tables."""
    last_runs = (
        ProcrastinateJob.objects.filter(status__in=("succeeded", "failed"))
        .order_by("task_name", "-id")
        .distinct("task_name")
        .values_list("task_name", "status")
    )
    dead_since = Now() - timedelta(seconds=SILENCE_SECONDS)
    stalled = (
        ProcrastinateJob.objects.filter(status="doing")
        .filter(Q(worker=None) | Q(worker__last_heartbeat__lt=dead_since))
        .order_by("task_name")
        .values_list("task_name", flat=True)
    )
    return Overview(
        failed=[name for name, status in last_runs if status == "failed"],
        stalled=list(stalled),
        workers=ProcrastinateWorker.objects.filter(last_heartbeat__gte=dead_since).count(),
    )
