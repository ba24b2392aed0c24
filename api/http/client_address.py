"""The address that a request comes from."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

#: A caller with one IPv6 address controls the whole network of this size: it counts as one.
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str | None:
    """Return the caller's IP address; None behind a Unix socket, which has none."""
    address = _client_address(request)
    return None if address is None else str(address)


def client_network(request: HttpRequest) -> str:
    """Return the address for rate limits: an IPv4 address, an IPv6 network, or ""."""
    address = _client_address(request)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return "" if address is None else str(address)


def is_local(request: HttpRequest) -> bool:
    """Whether the request comes from a program on this machine and not through a proxy."""
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = any(
        name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED")) for name in request.META
    )
    return address is not None and address.is_loopback and not forwarded


def _client_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Return the peer's address or, when the peer is a trusted proxy, that of its client.

    That is the last address of `X-Forwarded-For` that is not a trusted proxy. The addresses to the
    left of it are not trustworthy: the client can send that header too.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return None
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_trusted(address):
        forwarded = _parsed(hops.pop().strip())
        if forwarded is None:
            break
        address = forwarded
    return address


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
