"""The accounts' jobs."""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext

from accounts import password_reset
from accounts.expiry import delete_expired

logger = logging.getLogger(__name__)


@app.periodic(cron="15 * * * *")
@app.task(name="clean_up", queueing_lock="clean_up", lock="clean_up", pass_context=True)
def clean_up(context: JobContext, timestamp: int) -> None:
    """Delete what has expired; when the worker stops, what is left goes in the next hour."""
    logger.info("Deleted %s.", delete_expired(is_over=context.should_abort))


# Tried again for almost an hour, ever more rarely; whoever still waits then asks again.
@app.task(name=password_reset.JOB, retry=RetryStrategy(max_attempts=7, exponential_wait=3))
def send_password_reset(user_id: str) -> None:
    """Mail a token to whoever forgot their password."""
    password_reset.send_reset(user_id)
