"""Cursors for statements whose parameters are whole columns, as arrays."""

from typing import Any

import psycopg
from django.db.backends.utils import CursorWrapper

from core.connections.cursors import custom_cursor

#: Replaced where statements are traced.
cursor_class: type[psycopg.Cursor[Any]] = psycopg.Cursor


def bulk_cursor() -> CursorWrapper:
    """Return a cursor that sends its parameters separately from the statement, `%b` ones in binary.

    Django's own cursors write every parameter into the statement as text. For a column of a
    thousand values that takes eight times as long, and PostgreSQL has to parse the text.
    """
    return custom_cursor(cursor_class)
