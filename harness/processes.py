"""Child processes of Python, the environment that they get, and free ports."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import IO

from config.database import PROFILE_VARIABLE
from config.environment import BASE_DIR, UNPREFIXED, VARIABLES

STOP_SECONDS = 30
#: Settings under which a developer's `.env` leads to no other server.
ISOLATED = {
    **{name: "" for name in UNPREFIXED if name != "PORT"},
    "HOST": "127.0.0.1",
}


def free_port() -> int:
    """Return a port of the loopback address on which no process listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings of the service and no others."""
    own = {*VARIABLES, PROFILE_VARIABLE}
    return {name: value for name, value in os.environ.items() if name not in own} | dict(settings)


def start(
    *arguments: str,
    variables: Mapping[str, str],
    stdin: int | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
) -> subprocess.Popen[str]:
    """Start `python ARGUMENTS` in the project's directory. `variables` is its whole environment."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=variables,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
    )


def stop(process: subprocess.Popen[str], *, seconds: float = STOP_SECONDS) -> None:
    """Terminate a process; kill it if it still runs after `seconds`."""
    process.terminate()
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
