"""Migrations that run a file of SQL."""

from pathlib import Path

from django.db.migrations import RunSQL


def run_sql_file(path: Path) -> RunSQL:
    """Return the operation that runs the whole file; it cannot be reversed."""
    return RunSQL([(path.read_text("utf-8"), None)])
