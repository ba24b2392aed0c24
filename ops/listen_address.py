"""The address on which the service listens: whether it is free, and whether the service answers."""

import http.client
import socket
from collections.abc import Sequence
from contextlib import closing

# The address to connect to when the service listens on all addresses.
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (a key, not bound here)
ANSWER_TIMEOUT_SECONDS = 0.5


def address(host: str, port: int) -> str:
    """Return `host:port` as URLs and gunicorn spell it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(host: str, port: int) -> str:
    """Return the URL by which this machine reaches the service."""
    return f"http://{address(LOOPBACK_OF.get(host, host), port)}"


def require_free(host: str, port: int) -> None:
    """Raise an `OSError` when the address cannot be bound."""
    family, kind, protocol, _, socket_address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as listener:
        # As gunicorn does: sockets in TIME_WAIT do not prevent it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket_address)


def answers(host: str, port: int, allowed_hosts: Sequence[str]) -> bool:
    """Return whether the service answers `GET /status`, with the first allowed host as Host."""
    name = allowed_hosts[0].removeprefix(".").replace("*", "localhost")
    connection = http.client.HTTPConnection(
        LOOPBACK_OF.get(host, host), port, timeout=ANSWER_TIMEOUT_SECONDS
    )
    with closing(connection):
        try:
            connection.request("GET", "/status", headers={"Host": name})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
