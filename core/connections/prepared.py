"""Statements that a session plans once: the few that nearly every request makes."""

from typing import Any, Self

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.utils import CursorWrapper
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus

from core.connections.cursors import custom_cursor


class PreparingCursor(psycopg.Cursor[Any]):
    """Prepares what it executes, where the connection allows it (`prepare_threshold`).

    Not inside a transaction: there it could not try again when a migration has changed a column
    since the statement was prepared.
    """

    def execute(self, query: Any, params: Any = None, **_given: Any) -> Self:
        is_alone = self.connection.info.transaction_status == TransactionStatus.IDLE
        try:
            return super().execute(query, params, prepare=is_alone)
        except FeatureNotSupported:
            if not is_alone:
                raise
            return super().execute(query, params, prepare=False)


#: Replaced where statements are traced: nothing else passes by these cursors.
cursor_class: type[psycopg.Cursor[Any]] = PreparingCursor


def prepared_cursor(alias: str = DEFAULT_DB_ALIAS) -> CursorWrapper:
    """Return a cursor for statements that differ in their values only.

    Django's own cursors write the values into the statement, which PostgreSQL then has to read and
    plan anew: for a look by key, five times the work of both.
    """
    return custom_cursor(cursor_class, alias)
