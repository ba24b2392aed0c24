"""The connections to PostgreSQL: a pool for the web server, single connections for commands."""

from enum import StrEnum
from typing import Any

import dj_database_url

from config.environment import Environment
from core.connections import REPLICA
from ops.embedded_postgres import Role, database_url

# Set by `manage.py` and gunicorn for their own processes.
PROFILE_VARIABLE = "WALLET_DATABASE_PROFILE"
ENGINE = "core.connections"
POOL_WAIT_SECONDS = 5
# Short, because the primary can serve the read when the replica does not.
REPLICA_WAIT_SECONDS = 1
REPLICA_CONNECT_SECONDS = 2
# psycopg's `prepare_threshold` that disables automatic preparation: `core.connections.prepared`
# prepares statements explicitly.
NEVER_AUTOMATICALLY = 2**31
CONNECT_SECONDS = 5
# These detect a dead network connection within half a minute. With the kernel's defaults a thread
# would wait for 15 minutes, or for two hours. The database's URL may override them.
TCP_TIMEOUTS = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class Profile(StrEnum):
    """The kind of a process, which determines its role and its connections."""

    WEB = "web"  # The app's role, a pool, and timeouts, because a caller waits.
    COMMAND = "command"  # The app's role, without timeouts.
    OWNER = "owner"  # The owner's role: migrations, partitions, tests.


def databases(environment: Environment, profile: Profile) -> dict[str, dict[str, Any]]:
    """Return Django's settings of the databases for a process of this profile."""
    primary = _connect(_url(environment, profile))
    if profile is not Profile.WEB:
        return {"default": primary}
    _pool(primary, environment.database_connections, POOL_WAIT_SECONDS)
    if environment.is_behind_pooler:
        # After each transaction the pooler gives the session to another client, so no setting may
        # stay in it. The unit of work sets the timeouts.
        primary["DISABLE_SERVER_SIDE_CURSORS"] = True
        primary["OPTIONS"]["prepare_threshold"] = None
    else:
        _set_timeouts(primary, environment)
        primary["OPTIONS"]["prepare_threshold"] = NEVER_AUTOMATICALLY
    if not environment.database_replica_url:
        return {"default": primary}
    replica = _connect(environment.database_replica_url, REPLICA_CONNECT_SECONDS)
    _pool(replica, environment.database_connections, REPLICA_WAIT_SECONDS)
    _set_timeouts(replica, environment)
    replica["OPTIONS"]["prepare_threshold"] = NEVER_AUTOMATICALLY
    return {"default": primary, REPLICA: replica}


def timeouts(environment: Environment) -> dict[str, int]:
    """Return the PostgreSQL settings that limit how long a caller waits, in milliseconds."""
    return {
        "lock_timeout": environment.lock_timeout_ms,
        "statement_timeout": environment.statement_timeout_ms,
        "idle_in_transaction_session_timeout": 2 * environment.statement_timeout_ms,
    }


def _url(environment: Environment, profile: Profile) -> str:
    is_owner = profile is Profile.OWNER
    if environment.is_demo:
        return database_url(environment.data_dir, Role.OWNER if is_owner else Role.APP)
    if is_owner and environment.database_owner_url:
        return environment.database_owner_url
    if profile is not Profile.WEB and environment.database_direct_url:
        return environment.database_direct_url
    return environment.database_url


def _connect(url: str, connect_seconds: int = CONNECT_SECONDS) -> dict[str, Any]:
    settings: dict[str, Any] = {**dj_database_url.parse(url), "ENGINE": ENGINE}
    given: dict[str, Any] = settings.get("OPTIONS", {})
    options = {**TCP_TIMEOUTS, "connect_timeout": connect_seconds, **given}
    settings["OPTIONS"] = options
    # A socket's directory arrives as an option; `dbshell` reads it from HOST.
    settings["HOST"] = options.pop("host", settings["HOST"])
    return settings


def _pool(settings: dict[str, Any], connections: int, wait_seconds: int) -> None:
    settings["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": connections,
        "timeout": wait_seconds,
        # The pool reconnects with growing intervals. After this timeout the next request starts
        # over, so the service recovers as soon as the database does.
        "reconnect_timeout": wait_seconds,
    }


def _set_timeouts(settings: dict[str, Any], environment: Environment) -> None:
    options = settings["OPTIONS"]
    given = [options["options"]] if "options" in options else []
    flags = [f"-c {name}={milliseconds}" for name, milliseconds in timeouts(environment).items()]
    options["options"] = " ".join([*given, *flags])
