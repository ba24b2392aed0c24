"""`python -m config.probe web` or `processor`: whether this container does its work.

Ends with status 0 or 1. Without Django, which would cost a second of every probe.
"""

import sys

import psycopg

from config.environment import read
from ops import listen_address

#: Longer than a processor is ever silent between two heartbeats, a long chunk included.
SILENCE_SECONDS = 60
PATIENCE_SECONDS = 3


def is_serving() -> bool:
    """Return whether the web server answers."""
    environment = read()
    return listen_address.answers(environment.host, environment.port, environment.allowed_hosts)


def is_processing() -> bool:
    """Return whether a processor works, be it this one or the one for which it stands by."""
    with psycopg.connect(read().database_url, connect_timeout=PATIENCE_SECONDS) as connection:
        row = connection.execute(
            "SELECT heartbeat_at > now() - make_interval(secs => %s) FROM intake_processorstate",
            [SILENCE_SECONDS],
        ).fetchone()
    return row is not None and bool(row[0])


PROBES = {"web": is_serving, "processor": is_processing}


if __name__ == "__main__":
    sys.exit(not PROBES[sys.argv[1]]())
