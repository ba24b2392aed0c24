"""The import of customers that the worker runs at its start."""

import logging
from threading import Event

from core.errors import Unavailable
from intake.customers.display import PlainDisplay, summary
from intake.customers.imports import AlreadyImporting, Progress, import_customers
from intake.customers.load import ImportOvertaken
from intake.customers.rejects import RejectsUnwritable
from intake.customers.source import SourceError

logger = logging.getLogger(__name__)

#: Pause before the next try while another worker imports or the database is away.
RETRY_SECONDS = 10


class _StopRequested(Exception):
    """The worker was asked to stop."""


def import_at_start(location: str, stop: Event) -> None:
    """Import the source once; return when it is done, cannot succeed, or `stop` is set.

    While another worker imports, this one waits; if that one dies, this one resumes its run.
    """
    display = PlainDisplay(logger.info)

    def show_progress(progress: Progress) -> None:
        if stop.is_set():
            raise _StopRequested
        display(progress)

    logged_reason = ""
    while not stop.is_set():
        try:
            logger.info("%s", summary(import_customers(location, on_progress=show_progress)))
        except _StopRequested:
            logger.info("The import stops; the next start of a worker resumes it.")
        except (SourceError, RejectsUnwritable) as error:
            # The text itself: the log omits the messages of exceptions. These hold no secret.
            logger.error("Not imported: %s", str(error))
        except (AlreadyImporting, ImportOvertaken, Unavailable) as reason:
            if str(reason) != logged_reason:
                logger.warning("The import waits: %s", str(reason))
                logged_reason = str(reason)
            stop.wait(RETRY_SECONDS)
            continue
        return
