"""Maintenance jobs: delete expired rows, retry the jobs of dead workers."""

import logging

from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from ops.retention import delete_expired
from ops.scheduler import HEARTBEAT_TIMEOUT_SECONDS, JOB_RETENTION_HOURS, MAX_STALLS

logger = logging.getLogger(__name__)


@app.periodic(cron="15 * * * *")
@app.task(name="clean_up", queueing_lock="clean_up", lock="clean_up", pass_context=True)
def clean_up(context: JobContext, timestamp: int) -> None:
    """Delete expired rows; after a stop of the worker the next run deletes the rest."""
    logger.info("Deleted %s.", delete_expired(should_stop=context.should_abort))


# No `lock`: if its worker died, the lock would block all later sweeps, and only a sweep could
# release it. Two concurrent sweeps do no harm.
@app.periodic(cron="*/10 * * * *")
@app.task(name="sweep_jobs", queueing_lock="sweep_jobs", pass_context=True)
async def sweep_jobs(context: JobContext, timestamp: int) -> None:
    """Retry stalled jobs, up to `MAX_STALLS` times, and delete jobs that ended long ago."""
    await sweep(context.app.job_manager)


async def sweep(manager: JobManager) -> None:
    """Do what `sweep_jobs` does."""
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=HEARTBEAT_TIMEOUT_SECONDS):
        if job.attempts + 1 >= MAX_STALLS:
            logger.error("%s fails: its worker died %s times.", job.task_name, MAX_STALLS)
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)
            continue
        logger.warning("%s is retried: its worker died.", job.task_name)
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # The next job of the same kind is already queued (`queueing_lock`).
            await manager.finish_job(job, status=Status.ABORTED, delete_job=False)
    await manager.delete_old_jobs(
        nb_hours=JOB_RETENTION_HOURS,
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )
