"""Migrations that run a file of SQL."""

from pathlib import Path

from django.db.migrations import RunSQL


def run_sql_file(path: Path) -> RunSQL:
    """Return the operation that runs the file as it stands; there is no way back.

    A function that changes later is run again by a new migration: its file says CREATE OR REPLACE,
    so a fresh installation and an old one end the same. Tables never change that way.
    """
    return RunSQL([(path.read_text("utf-8"), None)])
