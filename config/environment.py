"""The settings of an operator, read and checked in one place.

`config.declarations` declares each variable once; `make settings-docs` writes `.env.example` and
docs/settings.md from it. A file `.env` is read too; exported variables take precedence. Other
`WALLET_SERVICE_*` variables have no effect. `NAME_FILE` names a file that contains the value of
NAME, which keeps secrets out of the environment.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from dotenv import dotenv_values
from environs import EnvValidationError, FileAwareEnv

from config.declarations import kinds
from config.declarations.access import Access, Limits
from config.declarations.connections import Data, Mail
from config.declarations.intake import Intake
from config.declarations.kinds import Group
from config.declarations.money import Rules
from config.declarations.running import Address, Keys, Logs, Processes

BASE_DIR = kinds.BASE_DIR
PREFIX = "WALLET_SERVICE_"
FILE_SUFFIX = "_FILE"


class WrongSettings(Exception):
    """Invalid variables. The text has a line for each, which starts with its name."""

    def __init__(self, reasons: Mapping[str, Sequence[str]]) -> None:
        self.lines = [f"{name}: {' '.join(reasons[name])}" for name in reasons]
        super().__init__("\n".join(self.lines))


class Environment(Keys, Data, Mail, Logs, Access, Rules, Limits, Intake, Processes, Address):
    """The checked values of all settings."""

    @property
    def is_demo(self) -> bool:
        """Whether the embedded PostgreSQL is the database."""
        return not self.database_url

    @property
    def is_https(self) -> bool:
        """Whether callers must use HTTPS."""
        return self.https == "on" if self.https else not self.is_demo

    @property
    def is_behind_pooler(self) -> bool:
        """Whether DATABASE_URL connects to a pooler such as PgBouncer, not to the server itself."""
        return bool(self.database_direct_url)

    @property
    def log_form(self) -> str:
        """The format of the log: plain or json."""
        return self.log_format or ("plain" if self.is_demo else "json")

    @property
    def needs_second_factor(self) -> bool:
        """Whether the admin requires a second factor."""
        if self.admin_second_factor:
            return self.admin_second_factor == "on"
        # The demo holds no real money, and every start prints its password.
        return not self.is_demo


GROUPS = cast(tuple[type[Group], ...], Environment.__bases__)
SETTINGS = tuple(setting for group in GROUPS for setting in group.settings())
VARIABLES = tuple(setting.name for setting in SETTINGS)
UNPREFIXED = tuple(name for name in VARIABLES if not name.startswith(PREFIX))
DEMO_SECRET_KEY = Environment.secret_key.default


def read() -> Environment:
    """Read and check all variables. Raises `WrongSettings`, which names every invalid one."""
    env = FileAwareEnv(file_suffix=FILE_SUFFIX, eager=False, strip_whitespace=True)
    env_file = BASE_DIR / ".env"
    env.read_env(env_file, recurse=False)
    _require_files()
    environment = Environment({setting.name: setting.parse(env) for setting in SETTINGS})
    reasons: dict[str, Sequence[str]] = {}
    if environment.database_url and environment.secret_key == DEMO_SECRET_KEY:
        reasons["WALLET_SERVICE_SECRET_KEY"] = ["Must be a key of your own with DATABASE_URL."]
    if environment.is_demo:
        for name in ("DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL"):
            if environment.values[name]:
                reasons[name] = ["Wants a DATABASE_URL: the demo has its own database."]
    try:
        env.seal()
    except EnvValidationError as error:
        reasons = {**cast(Mapping[str, list[str]], error.error_messages), **reasons}
    if reasons:
        raise WrongSettings(reasons)
    return environment


def unknown_variables() -> list[str]:
    """Return the names with the prefix of settings that are no settings: typos, or other versions'.

    They do not prevent the start, so that two versions can share a file during an upgrade.
    """
    names = {*os.environ, *dotenv_values(BASE_DIR / ".env")}
    return sorted(
        name
        for name in names
        if name.startswith(PREFIX) and name.removesuffix(FILE_SUFFIX) not in VARIABLES
    )


def _require_files() -> None:
    """Raise `WrongSettings` for an unreadable `NAME_FILE`, or an empty one of a database URL."""
    reasons = {}
    for name in VARIABLES:
        path = os.environ.get(name + FILE_SUFFIX)
        if not path:
            continue
        try:
            text = Path(path).read_text()
        except (OSError, UnicodeDecodeError):
            reasons[name + FILE_SUFFIX] = [f"{path} cannot be read."]
        else:
            # Without DATABASE_URL the service would start as the demo.
            if name.startswith("DATABASE_") and not text.strip():
                reasons[name + FILE_SUFFIX] = [f"{path} is empty."]
    if reasons:
        raise WrongSettings(reasons)
