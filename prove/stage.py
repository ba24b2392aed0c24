"""Setting the stage: a database with everybody in it, failpoints, and a copy for each mutant."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from config.database import PROFILE_VARIABLE, Profile
from ops import embedded_postgres
from ops.embedded_postgres import Role
from prove.installation import SETTINGS, Installation, ProofBroken
from prove.place import Place

#: The database as it is before anything happens; mutants begin with it.
PREPARED = "prepared"
#: PostgreSQL looks for deadlocks before anybody gives up waiting.
DEADLOCK_TIMEOUT = "200ms"
#: The log of changes stays well below the size of the disk.
MAX_WAL_SIZE = "256MB"


@contextmanager
def a_stage(place: Place) -> Iterator[Installation]:
    """Start PostgreSQL and the proxy on an empty, migrated database, and set Django up on it."""
    with Installation(place) as installation:
        _set_django_up(installation)
        with installation.connect() as superuser:
            superuser.execute(
                sql.SQL("ALTER ROLE {} SET deadlock_timeout = {}").format(
                    sql.Identifier(Role.APP), sql.Literal(DEADLOCK_TIMEOUT)
                )
            )
            superuser.execute(f"ALTER SYSTEM SET max_wal_size = '{MAX_WAL_SIZE}'")
            superuser.execute("SELECT pg_reload_conf()")
        installation.start_proxy()
        yield installation


def _set_django_up(installation: Installation) -> None:
    """Migrate as the owner, and go on as the app's role: what a management command is."""
    os.environ |= {
        **SETTINGS,
        "DATABASE_URL": embedded_postgres.database_url(installation.data_dir, Role.APP),
        "DATABASE_OWNER_URL": embedded_postgres.database_url(installation.data_dir, Role.OWNER),
        "WALLET_SERVICE_DATA_DIR": str(installation.data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        PROFILE_VARIABLE: Profile.OWNER,
    }
    django.setup()
    call_command("migrate", verbosity=0)
    connection.close()
    connection.settings_dict["USER"] = Role.APP
    os.environ[PROFILE_VARIABLE] = Profile.COMMAND


def copy_database(installation: Installation, name: str, *, template: str) -> None:
    """Make a database as a copy of another one, which nobody may use meanwhile."""
    connection.close()
    with _anywhere(installation) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(Role.OWNER)
            )
        )


def drop_database(installation: Installation, name: str) -> None:
    """Drop a database, and end whatever still uses it."""
    connection.close()
    with _anywhere(installation) as superuser:
        superuser.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def use_database(installation: Installation, name: str) -> None:
    """Let the service, once it starts, and Django here use this database."""
    connection.close()
    connection.settings_dict["NAME"] = name
    installation.database = name


@contextmanager
def _anywhere(installation: Installation) -> Iterator[psycopg.Connection[object]]:
    try:
        with installation.connect(database="postgres") as superuser:
            yield superuser
    except psycopg.OperationalError as error:
        raise ProofBroken(f"PostgreSQL does not answer: {error}") from error
