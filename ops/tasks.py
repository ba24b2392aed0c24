"""The jobs that keep the installation tidy: what expired goes, jobs of dead workers run again."""

import logging

from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from ops.retention import delete_expired
from ops.scheduler import KEPT_HOURS, MAX_STALLS, SILENCE_SECONDS

logger = logging.getLogger(__name__)


@app.periodic(cron="15 * * * *")
@app.task(name="clean_up", queueing_lock="clean_up", lock="clean_up", pass_context=True)
def clean_up(context: JobContext, timestamp: int) -> None:
    """Delete what has expired; when the worker stops, what is left goes in the next hour."""
    logger.info("Deleted %s.", delete_expired(is_over=context.should_abort))


# No `lock`: left behind by a dead worker it would shut out all that come after, and nobody would
# be there to free it. Two sweeps at once do no harm.
@app.periodic(cron="*/10 * * * *")
@app.task(name="sweep_jobs", queueing_lock="sweep_jobs", pass_context=True)
async def sweep_jobs(context: JobContext, timestamp: int) -> None:
    """Run stalled jobs again, a few times at most, and delete those that ended long ago."""
    await sweep(context.app.job_manager)


async def sweep(manager: JobManager) -> None:
    """Do what `sweep_jobs` does."""
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE_SECONDS):
        if job.attempts + 1 >= MAX_STALLS:
            logger.error("%s is given up: its worker died %s times.", job.task_name, MAX_STALLS)
            await manager.finish_job(job, status=Status.FAILED, delete_job=False)
            continue
        logger.warning("%s runs again: its worker died.", job.task_name)
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # The next one waits already (`queueing_lock`), and does the same.
            await manager.finish_job(job, status=Status.ABORTED, delete_job=False)
    await manager.delete_old_jobs(
        nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
