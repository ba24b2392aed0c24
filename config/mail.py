"""The URL of a mail server."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

#: The default ports of mail servers for submission by programs.
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server with implicit TLS (`smtps`), STARTTLS (`smtp`) or no TLS (`smtp+plain`)."""

    host: str
    port: int
    user: str
    password: str
    starts_tls: bool
    is_tls: bool


def mail_server(url: str) -> MailServer:
    """Parse a URL such as `smtp://user:password@host:587`. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("Not the address of a mail server.")
    return MailServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starts_tls=parts.scheme == "smtp",
        is_tls=parts.scheme == "smtps",
    )
