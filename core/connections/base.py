"""The database backend of the settings: `ENGINE = "core.connections"`.

When PostgreSQL restarts, every idle connection of a pool is dead, and each would cost one request
a 503. psycopg's own check asks the server before each request. A server that went away has also
closed its end of the socket, which the kernel tells at once and without a trip.
"""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for what comes out of the pool."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that was alive a moment ago."""
        connection = super().get_new_connection(conn_params)
        # Each round takes one dead connection out, and the pool replaces it.
        while self.pool and not _is_alive(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _set_autocommit(self, autocommit: bool) -> None:
        # What comes out of the pool was left as it is wanted; saying so again takes time.
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc]


def _is_alive(connection: Connection[Any]) -> bool:
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if not socket.poll(0):
        return True
    # An idle connection has something to say: a farewell mostly, a notice at times.
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        return False
    return True
