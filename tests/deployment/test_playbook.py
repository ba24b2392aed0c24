"""The playbook on a folder that replaces a host: deploy, rotate, roll back, wrong variables."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deployment.conftest import ADDRESS, Host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

REFUSED_REF = "wallet_ref must be a tag, a branch or a commit, such as v1.2.0."
REFUSED_DOMAIN = "wallet_domain must be one name such as wallet.example.com, without https:// or"
REFUSED_SETTINGS = "wallet_settings must map names to values without quotes:"
REFUSED_NUMBERS = "wallet_backup_days must be at least 1 and wallet_keep_releases at least 2."
CREDENTIALS = {"githubuser": "ada", "githubpassword": "tea-4711"}
PLAIN = {"wallet_repository": "http://a.test/wallet.git"}
# fmt: off
#: Wrong variables, and the message of the failure.
WRONG_INPUT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"wallet_ref": ""},                         REFUSED_REF),
    ({"wallet_ref": "-x"},                       REFUSED_REF),
    ({"wallet_ref": "v9"},                       "There is no v9 in the code beside this playbook"),
    ({"wallet_domain": "https://a.test"},        REFUSED_DOMAIN),
    ({"wallet_domain": "a.test\nevil"},          REFUSED_DOMAIN),
    ({"githubuser": "ada"},                      "githubuser and githubpassword go together"),
    (CREDENTIALS,                                "githubuser needs wallet_repository"),
    (CREDENTIALS | PLAIN,                        "With githubuser, wallet_repository must begin"),
    ({"wallet_repository": "https://a:b@c.test"}, "wallet_repository must hold no password"),
    ({"wallet_settings": {"log level": "info"}}, REFUSED_SETTINGS),
    ({"wallet_settings": {"NAME": "it's"}},      REFUSED_SETTINGS),
    ({"wallet_backup_days": 0},                  REFUSED_NUMBERS),
    ({"wallet_keep_releases": 1},                REFUSED_NUMBERS),
    ({"request_supported": ["Plan 9"]},          "This playbook supports Plan 9; "),
)
# fmt: on


class Health(http.server.ThreadingHTTPServer):
    """Answers the health check of the playbook in place of the proxy."""

    status = 200

    class Handler(http.server.BaseHTTPRequestHandler):
        server: "Health"

        def do_GET(self) -> None:
            self.send_response(self.server.status if self.path == "/api/v1/health" else 404)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing."""


@pytest.fixture
def health() -> Iterator[Health]:
    with Health(("127.0.0.1", 0), Health.Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def test_a_first_deployment_a_repetition_a_rotation_and_a_roll_back(
    host: Host, health: Health
) -> None:
    host.variables = {
        "health_delay": 0,
        "health_retries": 2,
        "health_url": f"http://{ADDRESS}:{health.server_port}",
        "wallet_settings": {
            "WALLET_SERVICE_ALLOWED_ORIGINS": "https://a.test https://b.test",
            "WALLET_SERVICE_EMAIL_URL": "smtp://ada:tea-4711@mail.test:587",
        },
    }

    # When the first release of a bare host does not start
    release = host.project.commit("The first release")
    host.fail_to_start("web-a")
    report = host.deploy()
    # Then the failure is reported, and the containers are left for inspection
    assert report.status != 0
    assert '"Replace web-a" failed' in report.message
    assert "Nothing ran before" in report.message
    assert not host.current_link.exists()

    # When it starts, and is deployed a second time
    host.fail_to_start()
    host.forget_calls()
    first, again = host.deploy(), host.deploy()
    # Then every step ran once, in the order that refuses no request
    assert (first.status, again.status) == (0, 0), first.output + again.output
    assert again.changed == 0, again.output
    up = "up --detach --no-deps --wait --wait-timeout=180"
    assert [call for call in host.calls if not call.startswith(("ps", "image", "exec"))] == [
        "run --rm --no-deps -T prepare",
        f"{up} database redis",
        "run --rm --no-deps -T migrate",
        # The worker started in the first attempt.
        f"{up} web-a",
        f"{up} web-b",
        f"{up} proxy",
        f"{up} proxy",
    ]
    good, running = host.current, host.running
    assert good.startswith(f"{release}-")
    assert set(running.values()) == {good}
    # And only root can read the settings and the secrets
    deployment = host.current_link.resolve()
    closed = (deployment, deployment / "settings.env", host.etc / "secrets", host.root / "backups")
    assert [oct(path.stat().st_mode & 0o077) for path in closed] == ["0o0"] * len(closed)
    assert "ORIGINS='https://a.test https://b.test'" in closed[1].read_text()
    assert "tea-4711" in closed[1].read_text()
    assert "tea-4711" not in first.output

    # When the secret key is rotated
    keys = host.etc / "secrets" / "app"
    (keys / "secret_key").write_text("old")
    (keys / "secret_key_fallbacks").write_text("older")
    host.forget_calls()
    report = host.rotate("secret_key")
    # Then the web servers were replaced twice, and the old key is a fallback
    assert report.status == 0, report.output
    assert host.calls.count(f"{up} web-a") == host.calls.count(f"{up} web-b") == 2
    key = (keys / "secret_key").read_text()
    assert len(key) == 64
    assert key not in report.output
    assert (keys / "secret_key_fallbacks").read_text().split() == ["old", "older"]
    good, running = host.current, host.running

    # When another release starts, but its health check fails
    host.project.commit("Another release")
    health.status = 503
    report = host.deploy()
    # Then the first one serves as before, and the playbook fails with the reason
    assert report.status != 0
    assert '"Ask whether money can move" failed' in report.message
    assert f"{good} serves, as before" in report.message
    assert (host.current, host.running) == (good, running)


def test_wrong_variables_are_reported_and_change_nothing(host: Host) -> None:
    # Given a host for each wrong variable
    host.project.commit("A release")
    hosts = {
        f"host-{number}": {**variables, "wallet_root": str(host.root / f"opt-{number}")}
        for number, (variables, _) in enumerate(WRONG_INPUT)
    }
    (host.root / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))

    # When all are checked together
    report = host.check_variables(host.root / "inventory.json")

    # Then each one has its own message
    for name, (_, sentence) in zip(hosts, WRONG_INPUT, strict=True):
        assert report.messages[name].startswith(sentence), report.output
    assert "tea-4711" not in report.output
    assert not host.etc.exists()
