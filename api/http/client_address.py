"""Where a request comes from."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

#: Who has one IPv6 address has its whole network of this size, and could count as each of it.
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str | None:
    """Return the caller's IP address; None behind a Unix socket, which has none."""
    address = _client_address(request)
    return None if address is None else str(address)


def client_network(request: HttpRequest) -> str:
    """Return the caller's address as limits count it: an IPv4 address, an IPv6 network, or ""."""
    address = _client_address(request)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_PREFIX), strict=False))
    return "" if address is None else str(address)


def is_local(request: HttpRequest) -> bool:
    """Whether the request comes from a program on this machine, and through no proxy."""
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = any(
        name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED")) for name in request.META
    )
    return address is not None and address.is_loopback and not forwarded


def _client_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Return the peer's address or, when the peer is a trusted proxy, whom it speaks for.

    That is the last address that `X-Forwarded-For` names and that is no trusted proxy itself.
    Anybody may have written what stands left of it.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return None
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_trusted(address):
        named = _parsed(hops.pop().strip())
        if named is None:
            break
        address = named
    return address


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
