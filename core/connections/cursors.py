"""Cursors that send values separately; Django's own cursors write them into the statement."""

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format


def custom_cursor(
    cursor_class: type[psycopg.Cursor[Any]], alias: str = DEFAULT_DB_ALIAS
) -> CursorWrapper:
    """Return a cursor of this class in Django's wrapper, which logs and translates errors.

    Results come in binary.
    """
    connection = connections[alias]
    connection.ensure_connection()
    cursor: Any = cursor_class(connection.connection)
    cursor.format = Format.BINARY
    if connection.queries_logged:
        return connection.make_debug_cursor(cursor)
    return connection.make_cursor(cursor)
