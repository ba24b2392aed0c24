"""How a process connects to PostgreSQL: the web through a pool, commands plainly."""

from enum import StrEnum
from typing import Any

import dj_database_url

from config.environment import Environment
from core.postgres import Role, database_url

# `manage.py` sets it for its own process. Nobody else needs to.
PROFILE_VARIABLE = "WALLET_DATABASE_PROFILE"
POOL_WAIT_SECONDS = 5
ENGINE = "core.connections"


class Profile(StrEnum):
    """What a process is to the database."""

    WEB = "web"  # The app's role, a pool, and the timeouts that a waiting caller needs.
    COMMAND = "command"  # The app's role, for as long as it takes.
    OWNER = "owner"  # The owner's role: migrations, partitions, tests.


def database(environment: Environment, profile: Profile) -> dict[str, Any]:
    """Return Django's settings of the one database for a process of this profile."""
    url = _url(environment, profile)
    settings: dict[str, Any] = {**dj_database_url.parse(url), "ENGINE": ENGINE}
    options: dict[str, Any] = settings.setdefault("OPTIONS", {})
    # A socket's directory comes as an option; `dbshell` looks for it here.
    settings["HOST"] = options.pop("host", settings["HOST"])
    if profile is Profile.WEB:
        # One connection for each thread, two to spare for the time in which one is replaced.
        options["pool"] = {
            "min_size": 1,
            "max_size": environment.threads + 2,
            "timeout": POOL_WAIT_SECONDS,
            # The pool tries less and less often. A try that is given up is begun anew by the next
            # request, so the service is back as soon as the database is.
            "reconnect_timeout": POOL_WAIT_SECONDS,
        }
        timeouts = {
            "lock_timeout": environment.lock_timeout_ms,
            "statement_timeout": environment.statement_timeout_ms,
            "idle_in_transaction_session_timeout": 2 * environment.statement_timeout_ms,
        }
        given = [options["options"]] if "options" in options else []
        options["options"] = " ".join(
            [*given, *(f"-c {name}={milliseconds}" for name, milliseconds in timeouts.items())]
        )
    return settings


def _url(environment: Environment, profile: Profile) -> str:
    is_owner = profile is Profile.OWNER
    if environment.is_demo:
        return database_url(environment.data_dir, Role.OWNER if is_owner else Role.APP)
    return (is_owner and environment.database_owner_url) or environment.database_url
