"""Validators of settings. Some return the parsed value, others only check it.

Each raises `ValidationError`, whose text describes the valid values.
"""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from environs import ValidationError

from config.mail import mail_server


def words(value: str) -> tuple[str, ...]:
    """Return words separated by spaces."""
    return tuple(value.split())


def hosts(value: str) -> tuple[str, ...]:
    """Return host names separated by spaces; a leading dot or `*` is a wildcard."""
    given = tuple(value.split())
    for host in given:
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9a-fA-F:.]+\]", host):
            raise ValidationError(f"Must be host names separated by spaces, which {host!r} is not.")
    not_empty(value.strip())
    return given


def origins(value: str) -> tuple[str, ...]:
    """Return origins separated by spaces."""
    given = tuple(value.split())
    for origin in given:
        if not _is_origin(origin):
            raise ValidationError(
                "Must be origins such as https://example.com separated by spaces,"
                f" which {origin!r} is not."
            )
    return given


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return networks separated by spaces; an address is a network of one."""
    try:
        given = tuple(ip_network(text) for text in value.split())
    except ValueError:
        given = ()
    # With a prefix of 0 bits, the header of any client would be trusted.
    if len(given) != len(value.split()) or not all(network.prefixlen for network in given):
        raise ValidationError(
            "Must be addresses or networks such as 10.0.0.5 or 172.16.0.0/12, separated by spaces."
        )
    return given


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        # Accessing the port validates it.
        authority = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    canonical = f"{parts.scheme}://{parts.netloc}"
    safe = re.fullmatch(r"https?://[A-Za-z0-9.:\[\]_-]+", value)
    return bool(authority and safe and canonical == value)


def not_empty(value: str) -> None:
    """Refuse an empty text."""
    if not value:
        raise ValidationError("Must not be empty.")


def postgres_url(value: str) -> None:
    """Allow nothing, or a URL of a PostgreSQL database."""
    if not value:
        return
    try:
        database: Mapping[str, Any] = dj_database_url.parse(value)
    except ValueError:
        database = {}
    if not database.get("NAME") or database["ENGINE"] != "django.db.backends.postgresql":
        raise ValidationError("Must be a URL such as postgresql://user:password@host:5432/wallet.")


def page(value: str) -> None:
    """Allow nothing, or the URL of a web page, to which a fragment may be added."""
    if value and not re.fullmatch(r"https?://[^\s/#]+[^\s#]*", value):
        raise ValidationError("Must be a page such as https://app.example/reset, without a #.")


def mail_url(value: str) -> None:
    """Allow nothing, or the URL of a mail server."""
    if not value:
        return
    try:
        mail_server(value)
    except ValueError as error:
        message = "Must be a URL such as smtp://user:password@host:587."
        raise ValidationError(message) from error


def sender(value: str) -> None:
    """Allow a sender address, with or without a display name."""
    if "@" not in parseaddr(value)[1] or "\n" in value:
        raise ValidationError("Must be an address such as Wallet <wallet@example.com>.")


def redis_url(value: str) -> None:
    """Allow nothing, or the URL of a Redis."""
    if value and not re.match(r"(redis|rediss|unix)://.", value):
        raise ValidationError("Must be a URL such as redis://host:6379/0.")


def http_url(value: str) -> None:
    """Allow nothing, or a URL of HTTP."""
    if value and not re.match(r"https?://.", value):
        raise ValidationError("Must be a URL such as http://collector:4318.")
