"""The ledger's scheduled work."""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from core.cancellation import Cancelled
from ledger.partitions import make_partitions
from ledger.verification import verify_ledger

logger = logging.getLogger(__name__)


# There are two years of them: hourly so that what failed, for a lock mostly, has soon succeeded.
@app.periodic(cron="5 * * * *")
@app.task(name="make_partitions", queueing_lock="make_partitions", lock="make_partitions")
def make_missing_partitions(timestamp: int) -> None:
    """Make the months that are missing."""
    for name in make_partitions():
        logger.info("Made the partition %s.", name)


# It reads the ledger from end to end, by snapshots, so that nobody waits for it. What a stopping
# worker breaks off begins anew at once, or a service that is often replaced would verify nothing.
@app.periodic(cron="17 */6 * * *")
@app.task(
    name="verify_ledger",
    queueing_lock="verify_ledger",
    lock="verify_ledger",
    pass_context=True,
    retry=RetryStrategy(retry_exceptions={JobAborted}),
)
def verify_whole_ledger(context: JobContext, timestamp: int) -> None:
    """Verify the books and record the result, which `/metrics` tells and an alert waits for."""
    try:
        verify_ledger(
            lambda fault: logger.error("The ledger is off: %s", fault),
            is_over=context.should_abort,
        )
    except Cancelled as error:
        raise JobAborted from error
