"""Whether the migrations of this code can run on the database."""

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class UnsupportedDatabase(Exception):
    """An unreleased version migrated the database. The text names a way out for the operator."""


def require_supported_history(connection: BaseDatabaseWrapper) -> None:
    """Raise `UnsupportedDatabase` when `migrate` cannot upgrade the database.

    The migrations were written anew before the first release. A database from before that has run
    migrations that the code lacks, while some of the code's have not run. A database of a newer
    release also has unknown migrations, but all of the code's have run: it is supported, so that a
    deployment can be rolled back.
    """
    labels = {
        app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR
    }
    applied = {
        (label, name)
        for label, name in MigrationRecorder(connection).applied_migrations()
        if label in labels
    }
    known = {
        (label, name)
        for label, name in MigrationLoader(None).disk_migrations or {}
        if label in labels
    }
    if not (applied - known and known - applied):
        return
    label, name = min(applied - known)
    problem = (
        f"an older, unreleased version of the service made this database ({label}.{name} has run),"
        " and it cannot be upgraded:"
    )
    if settings.IS_DEMO:
        raise UnsupportedDatabase(
            f"{problem} `make demo-reset` deletes it, the next start creates a new one"
        )
    raise UnsupportedDatabase(f"{problem} use an empty database")
