"""The ledger's scheduled work."""

import logging

from procrastinate.contrib.django import app

from ledger.partitions import make_partitions

logger = logging.getLogger(__name__)


# There are two years of them: hourly so that what failed, for a lock mostly, has soon succeeded.
@app.periodic(cron="5 * * * *")
@app.task(name="make_partitions", queueing_lock="make_partitions", lock="make_partitions")
def make_missing_partitions(timestamp: int) -> None:
    """Make the months that are missing."""
    for name in make_partitions():
        logger.info("Made the partition %s.", name)
