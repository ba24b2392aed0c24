"""How a process connects to PostgreSQL: the web through a pool, commands plainly."""

from enum import StrEnum
from typing import Any

import dj_database_url

from config.environment import Environment
from core.connections import REPLICA
from ops.embedded_postgres import Role, database_url

# `manage.py` sets it for its own process. Nobody else needs to.
PROFILE_VARIABLE = "WALLET_DATABASE_PROFILE"
ENGINE = "core.connections"
POOL_WAIT_SECONDS = 5
# Without the replica there is still the primary: nobody waits for it for long.
REPLICA_WAIT_SECONDS = 1
REPLICA_CONNECT_SECONDS = 2
# How often psycopg sees a statement before it prepares it unasked: never, as
# `core.connections.prepared` asks for what it wants.
NEVER_UNASKED = 2**31
CONNECT_SECONDS = 5
# A network that fell silent is found out within half a minute. By the kernel's own defaults a
# thread would wait in it for a quarter of an hour, or for two hours. A URL may say otherwise.
SILENCE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class Profile(StrEnum):
    """What a process is to the database."""

    WEB = "web"  # The app's role, a pool, and the timeouts that a waiting caller needs.
    COMMAND = "command"  # The app's role, for as long as it takes.
    OWNER = "owner"  # The owner's role: migrations, partitions, tests.


def databases(environment: Environment, profile: Profile) -> dict[str, dict[str, Any]]:
    """Return Django's settings of the databases for a process of this profile."""
    primary = _connect(_url(environment, profile))
    if profile is not Profile.WEB:
        return {"default": primary}
    _pool(primary, environment.threads, POOL_WAIT_SECONDS)
    if environment.is_behind_pooler:
        # A session there is anybody's after each transaction: nothing may stay in it. The unit of
        # work sets the timeouts.
        primary["DISABLE_SERVER_SIDE_CURSORS"] = True
        primary["OPTIONS"]["prepare_threshold"] = None
    else:
        _set_timeouts(primary, environment)
        primary["OPTIONS"]["prepare_threshold"] = NEVER_UNASKED
    if not environment.database_replica_url:
        return {"default": primary}
    replica = _connect(environment.database_replica_url, REPLICA_CONNECT_SECONDS)
    _pool(replica, environment.threads, REPLICA_WAIT_SECONDS)
    _set_timeouts(replica, environment)
    replica["OPTIONS"]["prepare_threshold"] = NEVER_UNASKED
    return {"default": primary, REPLICA: replica}


def timeouts(environment: Environment) -> dict[str, int]:
    """Return PostgreSQL's names of the timeouts that keep a caller from waiting, and the ms."""
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
    options = {**SILENCE, "connect_timeout": connect_seconds, **given}
    settings["OPTIONS"] = options
    # A socket's directory comes as an option; `dbshell` looks for it here.
    settings["HOST"] = options.pop("host", settings["HOST"])
    return settings


def _pool(settings: dict[str, Any], threads: int, wait_seconds: int) -> None:
    settings["OPTIONS"]["pool"] = {
        "min_size": 1,
        # One connection for each thread, two to spare for the time in which one is replaced.
        "max_size": threads + 2,
        "timeout": wait_seconds,
        # The pool tries less and less often. A try that is given up is begun anew by the next
        # request, so the service is back as soon as the database is.
        "reconnect_timeout": wait_seconds,
    }


def _set_timeouts(settings: dict[str, Any], environment: Environment) -> None:
    options = settings["OPTIONS"]
    given = [options["options"]] if "options" in options else []
    ours = [f"-c {name}={milliseconds}" for name, milliseconds in timeouts(environment).items()]
    options["options"] = " ".join([*given, *ours])
