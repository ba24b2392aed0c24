"""The accounts' scheduled work."""

import logging

from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext

from accounts.expiry import delete_expired

logger = logging.getLogger(__name__)


@app.periodic(cron="15 * * * *")
@app.task(name="clean_up", queueing_lock="clean_up", lock="clean_up", pass_context=True)
def clean_up(context: JobContext, timestamp: int) -> None:
    """Delete what has expired; when the worker stops, what is left goes in the next hour."""
    logger.info("Deleted %s.", delete_expired(is_over=context.should_abort))
