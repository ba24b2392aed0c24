"""The commerce's scheduled work."""

import logging

from procrastinate.contrib.django import app

from intake.chunks import make_due_retries_ready

logger = logging.getLogger(__name__)


# The processor does this before each chunk, so there should be none. That there are some means that
# no processor works, although a worker lives.
@app.periodic(cron="0 * * * *")
@app.task(name="retry_transactions", queueing_lock="retry_transactions", lock="retry_transactions")
def retry_transactions(timestamp: int) -> None:
    """Make every retry ready whose hour has come."""
    overdue = make_due_retries_ready()
    if overdue:
        logger.warning("%s retries were due, and no processor had taken them.", overdue)
