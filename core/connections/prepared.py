"""Prepared statements: a session plans them once. For the few that nearly every request runs."""

from typing import Any, Self

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.utils import CursorWrapper
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus

from core.connections.cursors import custom_cursor


class PreparingCursor(psycopg.Cursor[Any]):
    """Prepares each statement, where the connection allows it (`prepare_threshold`).

    Not inside a transaction: there it could not retry when a migration has changed a column since
    the statement was prepared.
    """

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Self:
        is_autocommitted = self.connection.info.transaction_status == TransactionStatus.IDLE
        try:
            return super().execute(query, params, prepare=is_autocommitted)
        except FeatureNotSupported:
            if not is_autocommitted:
                raise
            return super().execute(query, params, prepare=False)


#: Replaced where statements are traced.
cursor_class: type[psycopg.Cursor[Any]] = PreparingCursor


def prepared_cursor(alias: str = DEFAULT_DB_ALIAS) -> CursorWrapper:
    """Return a cursor for statements that differ in their values only.

    Django's own cursors write the values into the statement, which PostgreSQL then has to parse and
    plan again: for a lookup by key, both sides do five times the work.
    """
    return custom_cursor(cursor_class, alias)
