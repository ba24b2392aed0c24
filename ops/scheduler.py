"""Scheduled jobs: how procrastinate runs them in each worker, and their state.

The jobs of an app are in its `tasks.py`. Every worker defers the jobs that are due and fetches
deferred ones; procrastinate's tables ensure that each is deferred and fetched once, with any number
of workers. No decision about money waits for a job.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

#: A worker without a heartbeat for this long counts as dead, and its job as stalled.
HEARTBEAT_TIMEOUT_SECONDS = 60
#: A job whose workers die this many times fails.
MAX_STALLS = 3
#: Jobs that run concurrently. Only a verification takes long; its `lock` leaves one slot free.
CONCURRENCY = 2
#: How long ended jobs are kept.
JOB_RETENTION_HOURS = 7 * 24

_STOP_POLL_SECONDS = 0.1
_RESTART_SECONDS = 5
# How long a running job may continue after a stop before it is aborted.
_GRACE_SECONDS = 1
# A scheduler that ends by itself twice within this time raises `SchedulerBroken`.
_HEALTHY_SECONDS = 60


class SchedulerBroken(Exception):
    """The scheduler ended repeatedly although the database answers."""


class Scheduler:
    """The procrastinate worker of one process: defers due jobs and runs them, two at a time.

    It polls instead of using LISTEN: the jobs can wait for seconds, and polling works through a
    transaction pooler.
    """

    def run_until(self, stop: Event) -> None:
        """Run jobs until `stop` is set; running jobs then get `_GRACE_SECONDS`.

        While the database is unavailable it waits, like the processor. Raises `SchedulerBroken`.
        """
        ended_at = float("-inf")
        while not stop.is_set():
            try:
                asyncio.run(_work_until(stop))
            except (ConnectorException, OperationalError) as error:
                if not _is_database_unavailable(error):
                    raise
                logger.warning("The scheduler waits for the database: %s", error)
            else:
                # One of its tasks failed, most likely at the database. procrastinate has logged it.
                if not stop.is_set() and time.monotonic() - ended_at < _HEALTHY_SECONDS:
                    raise SchedulerBroken("The scheduler ended twice within a minute.")
                ended_at = time.monotonic()
            stop.wait(_RESTART_SECONDS)


def _is_database_unavailable(error: Exception) -> bool:
    """Return whether the error means that the database is unavailable, not a fault of the code."""
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


#: Of each task: how many of its runs failed, and nothing has made up for that. For a task that has
#: one job at a time (`queueing_lock`) a later success does: every run does all there is to do.
#: Later is what ended later: a job that is tried again keeps its low id. Any other failed job is
#: work that was not done, a mail that was not sent, until its row is deleted.
FAILED_RUNS = """
    SELECT job.task_name, count(*) FILTER (WHERE job.status = 'failed' AND NOT EXISTS (
               SELECT FROM procrastinate_jobs AS later
                 JOIN procrastinate_events AS success
                   ON success.job_id = later.id AND success.type = 'succeeded'
                WHERE job.queueing_lock IS NOT NULL AND later.task_name = job.task_name
                  AND success.at > (SELECT max(at) FROM procrastinate_events AS failure
                                     WHERE failure.job_id = job.id AND failure.type = 'failed')))
      FROM procrastinate_jobs AS job
     WHERE job.status IN ('succeeded', 'failed') GROUP BY job.task_name ORDER BY job.task_name
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the scheduled jobs."""

    #: How many runs failed, by the name of the job, sorted: see `FAILED_RUNS`.
    failed: dict[str, int]
    #: Names of the running jobs whose worker died.
    stalled: list[str]
    #: The number of live workers.
    workers: int


def overview() -> Overview:
    """Read the state from procrastinate's tables."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED_RUNS)
        failed = {name: count for name, count in cursor.fetchall() if count}
    dead_since = Now() - timedelta(seconds=HEARTBEAT_TIMEOUT_SECONDS)
    stalled = (
        ProcrastinateJob.objects.filter(status="doing")
        .filter(Q(worker=None) | Q(worker__last_heartbeat__lt=dead_since))
        .order_by("task_name")
        .values_list("task_name", flat=True)
    )
    return Overview(
        failed=failed,
        stalled=list(stalled),
        workers=ProcrastinateWorker.objects.filter(last_heartbeat__gte=dead_since).count(),
    )
