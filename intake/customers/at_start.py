"""The seeding that a worker does at its start."""

import logging
from threading import Event

from core.errors import Unavailable
from intake.customers.display import PlainDisplay, summary
from intake.customers.imports import AlreadySeeding, Progress, seed
from intake.customers.load import SeedingOvertaken
from intake.customers.rejects import RejectsUnwritable
from intake.customers.source import SourceError

logger = logging.getLogger(__name__)

#: Until it is tried again when another worker seeds, or the database is away.
RETRY_SECONDS = 10


class _Stopped(Exception):
    """The worker was asked to stop."""


def seed_at_start(location: str, stop: Event) -> None:
    """Seed from the source, once; return when that is done, hopeless, or `stop` is set.

    A worker that finds another one seeding waits, and goes on where that one stops, should it die.
    """
    display = PlainDisplay(logger.info)

    def go_on(progress: Progress) -> None:
        if stop.is_set():
            raise _Stopped
        display(progress)

    told = ""
    while not stop.is_set():
        try:
            logger.info("%s", summary(seed(location, on_progress=go_on)))
        except _Stopped:
            logger.info("The seeding stops; the next start goes on with it.")
        except (SourceError, RejectsUnwritable) as error:
            # As text: the log leaves out what exceptions say, and these say nothing secret.
            logger.error("Not seeded: %s", str(error))
        except (AlreadySeeding, SeedingOvertaken, Unavailable) as reason:
            if str(reason) != told:
                logger.warning("The seeding waits: %s", str(reason))
                told = str(reason)
            stop.wait(RETRY_SECONDS)
            continue
        return
