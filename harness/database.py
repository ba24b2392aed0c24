"""Databases of an embedded server: connections past the service, copies, and Django on one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import psycopg
from django.core.management import call_command
from django.db import connection as django_connection
from psycopg import sql

from config.database import PROFILE_VARIABLE, Profile
from ops.embedded_postgres import DATABASE, Role, database_url

CONNECT_SECONDS = 10


@contextmanager
def connect(
    data_dir: Path, role: Role = Role.SUPERUSER, database: str = DATABASE
) -> Iterator[psycopg.Connection[Any]]:
    """Connect by the embedded server's socket; each statement commits by itself."""
    url = database_url(data_dir, role, database)
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        yield connection


def set_up_django(settings: Mapping[str, str]) -> None:
    """Migrate as the owner, then go on as the app's role, as a management command does."""
    os.environ |= {
        **settings,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        PROFILE_VARIABLE: Profile.OWNER,
    }
    django.setup()
    call_command("migrate", verbosity=0)
    use_database(DATABASE)
    django_connection.settings_dict["USER"] = Role.APP
    os.environ[PROFILE_VARIABLE] = Profile.COMMAND


def use_database(name: str) -> None:
    """Let Django in this process use this database of the same server."""
    django_connection.close()
    django_connection.settings_dict["NAME"] = name


def create_database(data_dir: Path, name: str, *, template: str = "template1") -> None:
    """Create a database of the owner's as a copy of another, which no session may use meanwhile."""
    django_connection.close()
    with connect(data_dir, database="postgres") as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(Role.OWNER)
            )
        )


def drop_database(data_dir: Path, name: str) -> None:
    """Drop a database if it exists, and end the sessions in it."""
    django_connection.close()
    with connect(data_dir, database="postgres") as superuser:
        superuser.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
