"""The scheduled job of intake."""

import logging

from procrastinate.contrib.django import app

from intake.chunks import make_due_retries_ready

logger = logging.getLogger(__name__)


# The processor does this before each chunk, so the job should find no retry that is due. If it
# does, a worker is alive and no processor works.
@app.periodic(cron="0 * * * *")
@app.task(name="retry_transactions", queueing_lock="retry_transactions", lock="retry_transactions")
def retry_transactions(timestamp: int) -> None:
    """Make the retries ready that are due."""
    overdue = make_due_retries_ready()
    if overdue:
        logger.warning("%s retries were due, and no processor had taken them.", overdue)
