"""The user of the machine that runs the embedded PostgreSQL."""

import os
import pwd
import subprocess
from contextlib import suppress
from pathlib import Path

# PostgreSQL refuses to run as root. When this process is root, the server runs as this user.
SYSTEM_USER = "pgserver"
#: In the place of the server's user where none can be named. No server has it, so that no
#: connection is made.
NOBODY_EXPECTED = "-"


class NoSystemUser(Exception):
    """The system user is missing and cannot be created."""


def server_user(pgdata: Path) -> str:
    """Return the name of the user that runs the server: the owner of the data."""
    try:
        owner = pgdata.stat().st_uid
    except FileNotFoundError:
        if os.geteuid() == 0:
            return SYSTEM_USER
        owner = os.geteuid()
    except OSError:
        return NOBODY_EXPECTED
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return NOBODY_EXPECTED


def system_user() -> pwd.struct_passwd:
    """Return the system user, created if it is missing. Raises `NoSystemUser`."""
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoSystemUser(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER} cannot be created:"
            " start as an ordinary user."
        ) from error
    return pwd.getpwnam(SYSTEM_USER)
