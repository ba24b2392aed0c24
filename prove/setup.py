"""The installation of a run: PostgreSQL, the proxy, and Django set up on an empty database."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from harness.database import set_up_django
from ops.embedded_postgres import Role, database_url
from prove.installation import SETTINGS, BreakableInstallation
from prove.workdir import Workdir

#: The database as it is before anything happens; mutants begin with it.
PREPARED = "prepared"
#: PostgreSQL looks for deadlocks before any statement gives up waiting.
DEADLOCK_TIMEOUT = "200ms"
#: PostgreSQL's log of changes stays well below the size of the disk.
MAX_WAL_SIZE = "256MB"


@contextmanager
def an_installation(workdir: Workdir) -> Iterator[BreakableInstallation]:
    """Start PostgreSQL and the proxy on an empty, migrated database, and set Django up on it."""
    with BreakableInstallation(workdir) as installation:
        data_dir = installation.data_dir
        set_up_django(
            {
                **SETTINGS,
                "DATABASE_URL": database_url(data_dir, Role.APP),
                "DATABASE_OWNER_URL": database_url(data_dir, Role.OWNER),
                "WALLET_SERVICE_DATA_DIR": str(data_dir),
            }
        )
        with installation.connect() as superuser:
            superuser.execute(
                sql.SQL("ALTER ROLE {} SET deadlock_timeout = {}").format(
                    sql.Identifier(Role.APP), sql.Literal(DEADLOCK_TIMEOUT)
                )
            )
            superuser.execute(f"ALTER SYSTEM SET max_wal_size = '{MAX_WAL_SIZE}'")
            superuser.execute("SELECT pg_reload_conf()")
        installation.proxy.start()
        yield installation
