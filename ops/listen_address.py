"""The address on which the service listens: whether it is free, and whether the service answers."""

import http.client
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ops.private_files import open_private

# The address to connect to when the service listens on all addresses.
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (a key, not bound here)
ANSWER_TIMEOUT_SECONDS = 0.5
#: A request names an installation in it; the service of that installation has it in its answer.
INSTALLATION_HEADER = "X-Installation"
# In the data directory: the address of the demo's service that was started last.
_NOTE = "address"


def address(host: str, port: int) -> str:
    """Return `host:port` as URLs and gunicorn spell it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(host: str, port: int) -> str:
    """Return the URL by which this machine reaches the service."""
    return f"http://{address(LOOPBACK_OF.get(host, host), port)}"


def note(data_dir: Path, host: str, port: int) -> None:
    """Note the address for a command that has other settings than the service."""
    path = data_dir / _NOTE
    path.unlink(missing_ok=True)
    with open_private(path) as file:
        file.write(f"{host} {port}")


def noted(data_dir: Path) -> tuple[str, int] | None:
    """Return the noted host and port; whether the service still runs there is not known."""
    try:
        host, port = (data_dir / _NOTE).read_text("utf-8").split()
        return host, int(port)
    except (OSError, ValueError):
        return None


def require_free(host: str, port: int) -> None:
    """Raise an `OSError` when the address cannot be bound."""
    family, kind, protocol, _, socket_address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as listener:
        # As gunicorn does: sockets in TIME_WAIT do not prevent it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket_address)


def answers(
    host: str, port: int, allowed_hosts: Sequence[str], *, installation: str | None = None
) -> bool:
    """Return whether the service answers `GET /status`, with the first allowed host as Host.

    With `installation`, whether it is the service of that installation (`settings.INSTALLATION`).
    """
    headers = {} if installation is None else {INSTALLATION_HEADER: installation}
    name = allowed_hosts[0].removeprefix(".").replace("*", "localhost")
    connection = http.client.HTTPConnection(
        LOOPBACK_OF.get(host, host), port, timeout=ANSWER_TIMEOUT_SECONDS
    )
    with closing(connection):
        try:
            connection.request("GET", "/status", headers={"Host": name, **headers})
            response = connection.getresponse()
            is_asked_for = installation is None or INSTALLATION_HEADER in response.headers
            return response.status == http.client.OK and is_asked_for
        except (OSError, http.client.HTTPException):
            return False
