"""The database's clock, which a test moves instead of waiting."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

_MOMENT = """
    CREATE OR REPLACE FUNCTION current_moment() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN clock_timestamp(){}
"""


@dataclass
class Clock:
    """What `current_moment()` is ahead of the real time, in seconds."""

    owner_dsn: str

    def move(self, seconds: int) -> None:
        """Move the moment so far ahead of the real time; 0 sets it right."""
        ahead = f" + interval '{int(seconds)} seconds'" if seconds else ""
        with psycopg.connect(self.owner_dsn) as owner:
            owner.execute(sql.SQL(_MOMENT.format(ahead)))
