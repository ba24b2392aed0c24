"""An upgrade under load: the playbook replaces real web servers behind the real proxy."""

import http.client
import json
import socket
import ssl
import sys
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.environment import BASE_DIR
from harness.installation import Installation
from harness.waiting import wait_until
from tests.caddy import CADDY
from tests.deployment.conftest import ADDRESS, Host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

CUSTOMERS = 4
JSON = {"Content-Type": "application/json", "Host": ADDRESS}


@dataclass
class Customers:
    """Clients of the proxy that deposit 0.01 repeatedly, each on one connection."""

    port: int
    token: str
    wallet: str
    #: The number of answers by status, and of errors by class.
    answers: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._deposit) for _ in range(CUSTOMERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _deposit(self) -> None:
        # The certificate is from the proxy's internal CA, and the URL is an IP address.
        without_verification = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=without_verification
        )
        body = json.dumps({"wallet": self.wallet, "amount": "0.01"})
        while not self._stop.is_set():
            headers = JSON | {
                "Authorization": f"Token {self.token}",
                "Idempotency-Key": str(uuid.uuid4()),
            }
            try:
                connection.request("POST", "/wallet/deposit", body, headers)
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
        connection.close()


def test_upgrade_and_roll_back_refuse_no_request(host: Host, installation: Installation) -> None:
    if not CADDY.exists():
        pytest.skip("Caddy is not installed here: its package is for Linux x86-64")
    # Given a release on two web servers with one database
    _, printed = installation.serve(WALLET_SERVICE_RATE_LIMITS="off")
    assert "rich@demo.example" in printed
    port = serve_by_processes(host, installation)
    source = {"wallet_repository": str(host.project.folder), "wallet_keep_releases": 2}
    for tag in ("v1", "v2", "v3"):
        host.project.commit(tag)
        host.project.tag(tag)
    report = host.deploy(**source, wallet_ref="v1")
    assert report.status == 0, report.output
    # And customers who send requests all the time
    token, wallet, balance = rich(installation)
    customers = Customers(port, token, wallet)
    customers.start()
    try:
        wait_until(lambda: customers.answers["200"] > CUSTOMERS)

        # When a second release is deployed, then a third whose second web server does not start
        upgrade = host.deploy(**source, wallet_ref="v2")
        host.fail_to_start("web-b v3")
        failure = host.deploy(**source, wallet_ref="v3")

        before = customers.answers["200"]
        wait_until(lambda: customers.answers["200"] > before + CUSTOMERS)
    finally:
        customers.stop()

    # Then no request was refused or lost, and none counted twice
    assert (upgrade.status, '"Replace web-b" failed' in failure.message) == (0, True)
    assert host.current.startswith("v2-")
    assert set(host.running.values()) == {host.current}
    assert set(customers.answers) == {"200"}, customers.answers
    _, _, balance_after = rich(installation)
    assert balance_after - balance == customers.answers["200"]


def rich(installation: Installation) -> tuple[str, str, int]:
    """Log the rich client of the demo in; return a token, its wallet and its balance in cents."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port)

    def call(method: str, path: str, body: object, token: str = "") -> object:
        connection.request(
            method,
            path,
            json.dumps(body) if body else None,
            {"Content-Type": "application/json", **({"Authorization": token} if token else {})},
        )
        answer = connection.getresponse()
        assert answer.status == 200
        return json.load(answer)

    login = call(
        "POST", "/client/login", {"email": "rich@demo.example", "password": "demo-only-4711"}
    )
    assert isinstance(login, dict)
    wallets = call("GET", "/wallet/list", None, f"Token {login['token']}")
    connection.close()
    assert isinstance(wallets, list)
    return login["token"], wallets[0]["wallet"], round(wallets[0]["balance"] * 100)


def serve_by_processes(host: Host, installation: Installation) -> int:
    """Let the fake Docker start gunicorn and Caddy. Return the port of the proxy."""
    a, b, https, http_port, admin = _free_ports(5)
    host.variables = {
        "proxy_admin": f"localhost:{admin}",
        "proxy_folder": str(host.etc / "proxy"),
        "proxy_http_port": http_port,
        "proxy_https_port": https,
        "proxy_upstreams": {"web-a": f"127.0.0.1:{a}", "web-b": f"127.0.0.1:{b}"},
    }
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    web = {
        "command": [gunicorn, "--config=python:config.gunicorn", "config.wsgi"],
        "directory": str(BASE_DIR),
    }
    settings = installation.environment(
        WALLET_SERVICE_ALLOWED_HOSTS=f"{ADDRESS} localhost 127.0.0.1",
        WALLET_SERVICE_RATE_LIMITS="off",
        WALLET_SERVICE_TRUSTED_PROXIES="127.0.0.1",
        WALLET_SERVICE_WORKERS="1",
    )
    caddy = [str(CADDY)]
    config = f"--config={host.etc / 'proxy' / 'Caddyfile'}"
    data = {name: str(host.root / "caddy") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    host.run_as_processes(
        {
            "web-a": {**web, "port": a, "environment": {**settings, "PORT": str(a)}},
            "web-b": {**web, "port": b, "environment": {**settings, "PORT": str(b)}},
            "proxy": {
                "command": [*caddy, "run", config],
                "directory": str(host.root),
                "environment": data,
                "port": https,
            },
            "reload": [*caddy, "reload", config],
        }
    )
    return https


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
