"""The client's address: a header changes it only if a trusted proxy wrote it."""

from ipaddress import ip_network

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from api.http.client_address import client_network, is_local

PEER, CLIENT = "10.0.0.5", "203.0.113.7"

# fmt: off
CASES = (
    # trusted                    peer                X-Forwarded-For                      expected
    ("",                         PEER,               CLIENT,                              PEER),
    ("10.0.0.6",                 PEER,               CLIENT,                              PEER),
    ("10.0.0.5",                 PEER,               "",                                  PEER),
    ("10.0.0.5",                 PEER,               CLIENT,                              CLIENT),
    ("10.0.0.5",                 PEER,               f"1.1.1.1, {CLIENT}",                CLIENT),
    ("10.0.0.5",                 PEER,               f"1.1.1.1,{CLIENT},10.0.0.5",        CLIENT),
    ("10.0.0.0/8",               PEER,               f"{CLIENT}, 10.9.9.9, 10.0.0.5",     CLIENT),
    ("10.0.0.0/8",               PEER,               "10.9.9.9, 10.0.0.5",            "10.9.9.9"),
    ("10.0.0.5",                 PEER,               "nonsense",                          PEER),
    ("10.0.0.5",                 PEER,               f"{CLIENT}, nonsense",               PEER),
    ("10.0.0.5",                 PEER,               f"{CLIENT}, 10.0.0.5,",              PEER),
    ("10.0.0.5",                 CLIENT,             "1.1.1.1, 10.0.0.5",                 CLIENT),
    ("10.0.0.5",                 "::ffff:10.0.0.5",  f"::ffff:{CLIENT}",                  CLIENT),
    ("2001:db8::1",              "2001:db8::1",      "2001:db8:7:8:9::1",     "2001:db8:7:8::/64"),
    ("",                         "2001:db8:7:8::1",  "",                      "2001:db8:7:8::/64"),
    ("",                         "2001:db8:7:8:f::", "",                      "2001:db8:7:8::/64"),
    ("10.0.0.5",                 "",                 CLIENT,                              ""),
)
# fmt: on


@pytest.mark.parametrize(("trusted", "peer", "forwarded_for", "address"), CASES)
def test_address(
    settings: Settings, trusted: str, peer: str, forwarded_for: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = tuple(ip_network(text) for text in trusted.split())
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}

    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)

    assert client_network(request) == address


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("10.0.0.5", "", False),
        ("127.0.0.1", "X-Forwarded-For", False),
        ("127.0.0.1", "X-Forwarded-Proto", False),
        ("127.0.0.1", "Forwarded", False),
        ("", "", False),
    ],
)
def test_a_request_is_local_from_loopback_and_through_no_proxy(
    peer: str, header: str, expected: bool
) -> None:
    headers = {header: "x"} if header else {}

    assert is_local(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)) is expected
