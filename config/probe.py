"""`python -m config.probe web` or `processor`: the health check of a container.

Ends with status 0 or 1. It does not load Django, which would take a second for every check.
"""

import sys

import psycopg

from config.environment import read
from ops import listen_address

#: Longer than the time between two heartbeats of a processor, also during a long chunk.
HEARTBEAT_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 3


def is_serving() -> bool:
    """Return whether the web server answers."""
    environment = read()
    return listen_address.answers(environment.host, environment.port, environment.allowed_hosts)


def is_processing() -> bool:
    """Return whether any processor is alive: this one, or the active one while this stands by."""
    with psycopg.connect(
        read().database_url, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        row = connection.execute(
            "SELECT heartbeat_at > now() - make_interval(secs => %s) FROM intake_processorstate",
            [HEARTBEAT_TIMEOUT_SECONDS],
        ).fetchone()
    return row is not None and bool(row[0])


PROBES = {"web": is_serving, "processor": is_processing}


if __name__ == "__main__":
    sys.exit(not PROBES[sys.argv[1]]())
