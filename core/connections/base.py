"""The database backend of the settings: `ENGINE = "core.connections"`.

When PostgreSQL restarts, every idle connection of a pool is dead, and each would cost one request
a 503. psycopg's own check sends a query before each request. A server that has stopped has also
closed its side of the socket, which the kernel reports immediately and without a round trip.
"""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with a check of each connection that comes out of the pool."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that has just been checked."""
        connection = super().get_new_connection(conn_params)
        # Each iteration removes one dead connection, and the pool replaces it.
        while self.pool and not _is_alive(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _set_autocommit(self, autocommit: bool) -> None:
        # A pooled connection mostly has the wanted mode already; setting it again takes time.
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc]


def _is_alive(connection: Connection[Any]) -> bool:
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if not socket.poll(0):
        return True
    # The idle connection has received data: mostly the end of the session, sometimes a notice.
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        return False
    return True
