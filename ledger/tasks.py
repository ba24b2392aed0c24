"""Scheduled jobs of the ledger."""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from core.cancellation import Cancelled
from ledger.partitions import make_partitions
from ledger.verification import verify_ledger

logger = logging.getLogger(__name__)


# Partitions exist two years ahead; hourly, so that a failure (mostly a lock) is soon retried.
@app.periodic(cron="5 * * * *")
@app.task(name="make_partitions", queueing_lock="make_partitions", lock="make_partitions")
def make_missing_partitions(timestamp: int) -> None:
    """Make the missing partitions."""
    for name in make_partitions():
        logger.info("Made the partition %s.", name)


# It reads the whole ledger in snapshots, so no transaction waits for it. A run that a stopping
# worker cancels is retried immediately: else an often redeployed service would never verify.
@app.periodic(cron="17 */6 * * *")
@app.task(
    name="verify_ledger",
    queueing_lock="verify_ledger",
    lock="verify_ledger",
    pass_context=True,
    retry=RetryStrategy(retry_exceptions={JobAborted}),
)
def verify_whole_ledger(context: JobContext, timestamp: int) -> None:
    """Verify the ledger and record the result, which `/metrics` exports and an alert checks."""
    try:
        verify_ledger(
            lambda fault: logger.error("The ledger is inconsistent: %s", fault),
            should_cancel=context.should_abort,
        )
    except Cancelled as error:
        raise JobAborted from error
