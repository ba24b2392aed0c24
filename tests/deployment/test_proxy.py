"""The proxy that the playbook configures, as a process: routing, error bodies and logs."""

import http.client
import http.server
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.deployment.conftest import ADDRESS, PROGRAMS, Host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

WALLET = "11111111-2222-4333-8444-555555555555"
ANSWERED = f"/wallet/info/{WALLET}?email=ada@example.com"
LOST = f'/wallet/{WALLET}/lost"?email=ada@example.com'
SECRETS = {
    "Authorization": "Token tea-4711",
    "Cookie": "sessionid=tea-4711",
    "Referer": f"https://wallet.test/wallets/{WALLET}",
}


class Instance(http.server.ThreadingHTTPServer):
    """A web server that answers GET, and closes the connection on POST."""

    class Handler(http.server.BaseHTTPRequestHandler):
        server: "Instance"

        def do_GET(self) -> None:
            self.server.paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.close_connection = True

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.paths: list[str] = []


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@dataclass
class Proxy:
    """Caddy with the playbook's configuration."""

    port: int
    log: Path

    def call(self, method: str, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Send a request with secrets in it."""
        # The certificate is from the proxy's internal CA, and the URL is an IP address.
        without_verification = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=without_verification, timeout=DEADLINE_SECONDS
        )
        connection.request(method, path, headers={"Host": ADDRESS, **SECRETS})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def answers(self) -> bool:
        try:
            self.call("GET", "/ready")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def lines(self, logger: str) -> list[dict[str, Any]]:
        """The lines of the log of this logger."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line.get("logger", "").startswith(logger)]


@pytest.fixture
def proxy(host: Host, instance: Instance) -> Iterator[Proxy]:
    if not (PROGRAMS / "caddy").exists():
        pytest.skip("Caddy is not installed here: make install-ansible, on Linux x86-64")
    upstream = f"127.0.0.1:{instance.server_port}"
    proxy = Proxy(free_port(), host.root / "caddy.log")
    host.configure(
        "proxy",
        proxy_admin="off",
        proxy_folder=str(host.etc / "proxy"),
        proxy_http_port=free_port(),
        proxy_https_port=proxy.port,
        proxy_upstreams={"web-a": upstream, "web-b": upstream},
    )
    with proxy.log.open("wb") as log:
        caddy = subprocess.Popen(
            [PROGRAMS / "caddy", "run", f"--config={host.etc / 'proxy' / 'Caddyfile'}"],
            cwd=host.root,
            env=dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(host.root)),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(proxy.answers)
        yield proxy
    finally:
        caddy.terminate()
        caddy.wait(DEADLINE_SECONDS)


def test_the_proxy_hides_metrics_and_logs_no_secrets(proxy: Proxy, instance: Instance) -> None:
    # When a client requests a wallet, the metrics, and a path whose connection breaks
    found, _ = proxy.call("GET", ANSWERED)
    hidden = [proxy.call("GET", path)[0].status for path in ("/metrics", "/%6Detrics?name[]=up")]
    lost, body = proxy.call("POST", LOST)

    # Then the metrics are hidden
    assert (found.status, hidden) == (200, [404, 404])
    assert ANSWERED in instance.paths
    assert not any("etrics" in path for path in instance.paths)

    # And a failed request has the error body of the service
    assert (lost.status, lost.headers["Retry-After"]) == (503, "1")
    assert lost.headers["Content-Type"] == "application/json"
    error = json.loads(body)
    assert error["message"]
    assert error["requestId"] == lost.headers["X-Request-ID"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", error["timestamp"])
    age = datetime.now(UTC) - datetime.fromisoformat(error["timestamp"])
    assert abs(age) < timedelta(seconds=DEADLINE_SECONDS)
    assert (
        error.items()
        >= {
            "statusCode": 503,
            "path": LOST.partition("?")[0],
            "error": "Service Unavailable",
            "code": "unavailable",
            "details": {},
        }.items()
    )

    # And the log has every request, without secrets and personal data
    wait_until(lambda: [line["status"] for line in proxy.lines("http.log.access")][-1:] == [503])
    log = proxy.log.read_text()
    assert log.count('"status":404') == 2
    assert not re.search(f"{WALLET}|example.com|tea-4711", log)
