"""The proxy that the playbook configures, as a process: routing, error bodies and logs."""

import http.client
import http.server
import json
import re
import shutil
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from config.environment import BASE_DIR
from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.caddy import caddy
from tests.ops.containers import service

pytestmark = pytest.mark.slow

ADDRESS = "wallet.test"
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
def proxy(instance: Instance, tmp_path: Path) -> Iterator[Proxy]:
    upstream = f"127.0.0.1:{instance.server_port}"
    port = free_port()
    configuration = configure(
        tmp_path,
        proxy_admin="off",
        proxy_http_port=free_port(),
        proxy_https_port=port,
        proxy_upstreams={"web-a": upstream, "web-b": upstream},
    )
    with caddy(configuration, tmp_path) as log:
        proxy = Proxy(port, log)
        wait_until(proxy.answers)
        yield proxy


def render(role: str, file: str, **variables: Any) -> str:
    """Return a template of the playbook, filled in."""
    folder = BASE_DIR / "ansible" / "roles" / role / "templates"
    # As Ansible sets it.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.get_template(f"{file}.j2")
    return template.render(
        ansible_managed="Ansible managed", wallet_instances=["web-a", "web-b"], **variables
    )


def configure(folder: Path, **variables: Any) -> Path:
    """Write what the role `proxy` writes, without Ansible, which test_upgrade.py needs anyway."""
    for file in ("options.caddy", "service.caddy"):
        shutil.copy(BASE_DIR / "deploy" / "caddy" / file, folder)
    text = render(
        "proxy",
        "Caddyfile",
        proxy_folder=str(folder),
        wallet_address=ADDRESS,
        wallet_domain="",
        wallet_email="",
        **variables,
    )
    (folder / "Caddyfile").write_text(text)
    return folder / "Caddyfile"


def test_the_proxy_hides_metrics_and_logs_no_secrets(proxy: Proxy, instance: Instance) -> None:
    # When a client requests a wallet, the metrics, and a path whose connection breaks
    found, _ = proxy.call("GET", ANSWERED)
    hidden = [proxy.call("GET", path) for path in ("/metrics", "/%6Detrics?name[]=up")]
    lost, body = proxy.call("POST", LOST)

    # Then the metrics are hidden
    assert (found.status, [answer.status for answer, _ in hidden]) == (200, [404, 404])
    assert all(json.loads(body)["code"] == "not_found" for _, body in hidden)
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


def test_on_a_host_it_takes_the_place_of_the_proxy_of_compose() -> None:
    # Given the host's additions to docker-compose.yml, in which `!override` replaces and `!reset`
    # takes away what would be merged
    names = ("etc", "root", "subnet")
    variables = {f"wallet_{name}": f"/{name}" for name in names}
    text = render("service", "host.yml", proxy_image="caddy", service_deployment="v1", **variables)

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!reset", lambda _loader, _node: [])
    Loader.add_constructor(
        "!override",
        lambda loader, node: loader.construct_sequence(node),  # type: ignore[arg-type]
    )
    services = yaml.load(text, Loader)["services"]

    # Then nothing of compose's own proxy is left beside them
    ours, theirs = services["proxy"], service("proxy")
    for name, value in theirs.items():
        if isinstance(value, list) and name != "networks":
            assert f"    {name}: !" in text.partition("  proxy:")[2], name
    assert ours["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert ours["environment"] == []
    assert ours["networks"] == theirs["networks"]
    for name in ("read_only", "cap_drop", "cap_add", "security_opt", "restart", "pids_limit"):
        assert ours[name] == theirs[name]
    assert set(theirs) - set(ours) <= {"init"}
    # And neither web server is published
    assert services["web"]["profiles"] == ["single"]
    assert [services[name]["ports"] for name in ("web-a", "web-b")] == [[], []]
