"""The containers: their files, and their commands, which run here without Docker."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from accounts.password_hashing import HASHES_AT_ONCE
from config.environment import BASE_DIR, VARIABLES, read
from harness.callers import a_client, a_company, charge
from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.ops import containers
from tests.ops.containers import compose, environment_of, interpolate, service
from tests.ops.server import Server
from tests.ops.test_settings import SetEnvironment

SERVICES = sorted(compose()["services"])
TOOLS = Path(sys.executable).parent
IN_A_FILE = {
    "WALLET_SERVICE_SECRET_KEY",
    "WALLET_SERVICE_SECRET_KEY_FALLBACKS",
    "WALLET_SERVICE_METRICS_TOKEN",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
}


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
    ],
)
def test_the_files_are_clean(command: list[str]) -> None:
    checked = subprocess.run(
        [TOOLS / command[0], *command[1:]],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_has_every_setting_with_its_default(set_environment: SetEnvironment) -> None:
    written = environment_of("web")
    files = {f"{name}_FILE" for name in IN_A_FILE}
    named = {name.removesuffix("_FILE") if name in files else name for name in written}
    # Only `migrate` and `backup` are the owner.
    assert sorted({*named, "DATABASE_OWNER_URL"}) == sorted(VARIABLES), (
        "docker-compose.yml has every setting: in x-settings, with its declared default."
    )
    assert "WALLET_SERVICE_SECRET_KEY" in service("prepare")["environment"]

    # All settings that are not specific to containers have their declared defaults.
    own = {"HOST", "PORT", "REDIS_URL", "WALLET_SERVICE_DATA_DIR", "WALLET_SERVICE_HTTPS", *files}
    # The proxy's address is the engine's choice.
    own.add("WALLET_SERVICE_TRUSTED_PROXIES")
    set_environment({})
    defaults = read()
    set_environment({name: value for name, value in written.items() if name not in own})
    assert read() == defaults


def test_each_setting_can_be_set_by_a_variable() -> None:
    written = service("web")["environment"]
    ours = [name for name in written if name.startswith("WALLET_SERVICE_")]
    for name in set(ours) - {"WALLET_SERVICE_DATA_DIR", *(f"{name}_FILE" for name in IN_A_FILE)}:
        # The trusted proxies have the one of compose beside mine.
        assert interpolate(written[name], {name: "mine"}).split()[0] == "mine"


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_few_privileges(name: str) -> None:
    container = service(name)
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert 0 < float(interpolate(container["cpus"])) <= 1
    assert container["restart"] in ("no", "unless-stopped")
    assert "privileged" not in container
    # By default no port is reachable from other machines.
    for port in container.get("ports", ()):
        assert interpolate(port).startswith("127.0.0.1:")


def test_only_the_proxy_is_published_and_web_can_be_scaled() -> None:
    published = {name for name in SERVICES if service(name).get("ports")}
    # Prometheus, on this machine only, with its profile.
    assert published == {"proxy", "prometheus"}
    assert interpolate(service("proxy")["ports"][0]) == "127.0.0.1:8000:8000"
    assert interpolate(service("proxy")["ports"][0], {"HOST": "::", "PORT": "80"}) == ":::80:8000"
    assert "container_name" not in service("web")
    # They reach each other, and an operator's own proxy is believed by both.
    assert set(service("proxy")["networks"]) <= set(service("web")["networks"])
    named = {"WALLET_SERVICE_TRUSTED_PROXIES": "192.0.2.1"}
    for name, variable in (("proxy", "TRUSTED_PROXIES"), ("web", "WALLET_SERVICE_TRUSTED_PROXIES")):
        assert "192.0.2.1" in interpolate(service(name)["environment"][variable], named).split()
    assert interpolate(service("proxy")["environment"]["TRUSTED_PROXIES"]) == ""


def test_the_memory_of_web_is_enough_for_what_its_workers_take() -> None:
    # Given what docs/operations.md says that each takes, in MiB
    server, worker, one_hash = 60, 200, 100
    workers = int(environment_of("web")["WALLET_SERVICE_WORKERS"])

    needed = server + workers * (worker + HASHES_AT_ONCE * one_hash)

    limit = interpolate(service("web")["mem_limit"])
    assert needed <= int(limit.removesuffix("m"))


def test_a_secret_is_mounted_only_where_it_is_needed() -> None:
    mounted = {
        name: {
            volume.partition(":")[0]
            for volume in map(interpolate, service(name).get("volumes", ()))
            if volume.startswith("secrets-")
        }
        for name in SERVICES
    }
    everything = {"secrets-app", "secrets-owner", "secrets-database", "secrets-monitor"}
    assert mounted.pop("prepare") == mounted.pop("database") == everything
    assert mounted.pop("migrate") == mounted.pop("backup") == {"secrets-app", "secrets-owner"}
    assert mounted.pop("web") == mounted.pop("worker") == {"secrets-app"}
    assert mounted.pop("postgres-exporter") == mounted.pop("prometheus") == {"secrets-monitor"}
    assert not any(mounted.values())


def test_the_files_contain_no_secret() -> None:
    for name in SERVICES:
        for variable, value in service(name).get("environment", {}).items():
            if re.search("KEY|PASSWORD$|TOKEN$|DATABASE_URL", variable):
                assert interpolate(value).startswith("/secrets/") or not interpolate(value)
    for variable in containers.image_environment():
        assert not re.search("KEY|PASS|TOKEN|URL", variable)


def test_the_containers_start_in_order() -> None:
    assert service("database")["depends_on"]["prepare"] == {
        "condition": "service_completed_successfully"
    }
    assert service("migrate")["depends_on"]["database"] == {"condition": "service_healthy"}
    for name in ("web", "worker"):
        assert service(name)["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }


@pytest.mark.parametrize(
    ("path", "is_in_build_context"),
    [
        ("manage.py", True),
        ("config/settings.py", True),
        ("ledger/sql/post.sql", True),
        ("deploy/prepare.py", True),
        (".env", False),
        (".data/postgres/PG_VERSION", False),
        (".git/config", False),
        ("tests/conftest.py", False),
        ("config/__pycache__/settings.cpython-311.pyc", False),
        ("deploy/postgres/roles.sh", False),
        ("deploy/caddy/Caddyfile", False),
        ("something-new/key.pem", False),
    ],
)
def test_the_build_context_contains_only_the_code(path: str, is_in_build_context: bool) -> None:
    assert containers.is_in_build_context(Path(path)) is is_in_build_context


@dataclass
class Host:
    """Runs the commands of the containers without containers."""

    root: Path
    image: Path
    database: Server
    port: int

    def start(
        self, name: str, command: list[str] | None = None, **options: object
    ) -> subprocess.Popen[str]:
        """Start the command of a service, or another one in its container."""
        environment = environment_of(name) | {"HOST": "127.0.0.1", "PORT": str(self.port)}
        # Without Redis, PostgreSQL stores the counters.
        environment.pop("REDIS_URL", None)
        given = command or service(name).get("command") or containers.image_command()
        return containers.start(
            self.image, given, root=self.root, environment=environment, **options
        )

    def run(self, name: str, command: list[str] | None = None) -> tuple[int, str]:
        """Run it to its end; return its status and its output."""
        process = self.start(name, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, output

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def host(workdir: Path) -> Iterator[Host]:
    workdir.chmod(0o755)
    host = Host(
        root=workdir,
        image=workdir / "srv" / "wallet-service",
        database=Server(workdir / "database"),
        port=free_port(),
    )
    containers.build(host.image, workdir / "venv")
    host.database.initialize()
    settings = [
        interpolate(flag).removeprefix("-c")
        for flag in service("database")["command"]
        if flag.startswith("-c") and "archive_command" not in flag
    ]
    host.database.start(*settings)
    try:
        yield host
    finally:
        host.database.stop("immediate")


def test_secrets_are_made_once_and_renewed_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WALLET_SERVICE_SECRET_KEY", raising=False)

    def secrets_after(*arguments: str) -> dict[str, str]:
        folder = containers.make_secrets(tmp_path, *arguments)
        files = list(containers.files_in(folder))
        assert all(file.stat().st_mode & 0o777 == 0o444 for file in files)
        return {str(file.relative_to(folder)): file.read_text() for file in files}

    first = secrets_after()
    assert first["app/metrics_token"] == first.pop("monitor/metrics_token")
    assert len({*first.values()}) == len(first) == 9
    assert secrets_after().items() >= first.items()
    assert first["app/database_url"] == (
        f"postgresql://wallet_app:{first['app/app_password']}@database:5432/wallet"
    )

    renewed = secrets_after("--renew", "app_password")
    changed = {name for name in first if renewed[name] != first[name]}
    assert changed == {"app/app_password", "app/database_url"}

    rotated = secrets_after("--renew", "secret_key")
    assert rotated["app/secret_key"] != first["app/secret_key"]
    assert rotated["app/secret_key_fallbacks"] == first["app/secret_key"]
    monkeypatch.setenv("WALLET_SERVICE_SECRET_KEY", "a-key-of-our-own")
    for _ in range(2):
        given = secrets_after()
        assert given["app/secret_key"] == "a-key-of-our-own"
        assert given["app/secret_key_fallbacks"].split() == [
            rotated["app/secret_key"],
            first["app/secret_key"],
        ]

    # Deleting the old keys, after a leak for example, does not prevent the start.
    (tmp_path / "secrets" / "app" / "secret_key_fallbacks").unlink()
    assert secrets_after() == given | {"app/secret_key_fallbacks": ""}

    with pytest.raises(SystemExit, match="usage"):
        secrets_after("--renew", "everything")


@pytest.mark.slow
def test_the_containers_from_the_image_to_a_charge_and_a_stop(host: Host) -> None:
    # Given the roles, and an image that its user cannot change
    host.database.make_roles(containers.make_secrets(host.root, port=host.database.port))
    files = {file: file.read_bytes() for file in containers.files_in(host.image)}
    assert any(file.suffix == ".pyc" for file in files)

    # When the migrations run twice
    for _ in range(2):
        status, output = host.run("migrate")
        assert status == 0, output

    # And the web server and the worker start
    probe = containers.image_probe()
    assert host.run("web", probe)[0] == 1
    web, worker = host.start("web"), host.start("worker")
    try:
        wait_until(lambda: host.run("web", probe)[0] == 0)
        wait_until(lambda: host.run("worker", service("worker")["healthcheck"]["test"][1:])[0] == 0)
        assert requests.get(f"{host.url}/api/v1/health", timeout=5).json()["processor"] == "idle"
        status, output = host.run("web", ["python", "manage.py", "doctor"])
        assert status == 0, output
        assert "PostgreSQL 18" in output
        assert "answers wallet_app" in output

        # Then money moves, directly and by the worker, and the admin has its static files
        payer, company = a_client(host.url, holds="100.00"), a_company(host.url)
        assert charge(company, payer, "30.00", key="order-1").status_code == 200
        queued = payer.send(
            "POST",
            "/wallet/transfer",
            {"source": payer.wallet, "target": company.wallet, "amount": "5.00"},
            Prefer="respond-async",
        )
        assert queued.status_code == 202
        wait_until(lambda: company.balance == "35.00")
        assert payer.balance == "65.00"
        # As Prometheus requests them, which addresses each container by its IP address
        token = (host.root / "secrets" / "monitor" / "metrics_token").read_text()
        headers = {"Host": f"172.18.0.5:{host.port}", "Authorization": f"Bearer {token}"}
        metrics = f"{host.url}/metrics"
        assert "wallet_" in requests.get(metrics, headers=headers, timeout=30).text
        assert requests.get(metrics, timeout=30).status_code == 401
        assert requests.get(f"{host.url}/static/admin/css/base.css", timeout=5).ok
    finally:
        web.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGTERM)
        statuses = [process.wait(DEADLINE_SECONDS) for process in (web, worker)]

    # And both end after SIGTERM, and wrote no files
    assert statuses == [0, 0]
    assert {file: file.read_bytes() for file in containers.files_in(host.image)} == files
