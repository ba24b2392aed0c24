"""Real processes on free loopback ports; each test has its own data directory."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from config.database import PROFILE_VARIABLE
from config.environment import BASE_DIR, FILE_SUFFIX, VARIABLES
from ops.embedded_postgres import Role, database_url

# Generous, so that tests pass on a busy machine.
DEADLINE_SECONDS = 120


def wait_until(is_true: Callable[[], bool]) -> None:
    """Poll until it is true. Fails the test after a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, f"still not true after {DEADLINE_SECONDS} seconds"
        time.sleep(0.02)


def is_running(data_dir: Path) -> bool:
    """Return whether the embedded server of this directory answers."""
    try:
        psycopg.connect(database_url(data_dir, Role.APP)).close()
    except psycopg.OperationalError:
        return False
    return True


@dataclass
class Installation:
    """A data directory and a port, with which commands run."""

    data_dir: Path
    port: int
    services: list[subprocess.Popen[str]] = field(default_factory=list)
    #: Where the service's log goes; to the terminal, unless a file is given.
    log: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **settings: str) -> dict[str, str]:
        own_variables = {*VARIABLES, PROFILE_VARIABLE}
        inherited = {name: value for name, value in os.environ.items() if name not in own_variables}
        return inherited | {
            "WALLET_SERVICE_DATA_DIR": str(self.data_dir),
            "WALLET_SERVICE_LOG_LEVEL": "warning",
            "PORT": str(self.port),
            **settings,
        }

    def manage(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def serve(self, **settings: str) -> tuple[subprocess.Popen[str], str]:
        """Start the service. Return the process, and its output until it answered."""
        with ExitStack() as stack:
            service = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=BASE_DIR,
                env=self.environment(**settings),
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(self.log.open("a")) if self.log else None,
                text=True,
            )
        self.services.append(service)
        assert service.stdout is not None
        printed = ""
        for line in service.stdout:
            printed += line
            if self.url in line and "answers at" in line:
                return service, printed
        pytest.fail(f"The service ended with status {service.wait()}: {printed}")

    def is_answering(self) -> bool:
        try:
            return requests.get(f"{self.url}/status", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def processes(self) -> set[psutil.Process]:
        """Return the service's processes, its database included."""
        children = {
            process
            for service in self.services
            if psutil.pid_exists(service.pid)
            for process in psutil.Process(service.pid).children(recursive=True)
        }
        return children | self.database_processes()

    def database_processes(self) -> set[psutil.Process]:
        pid_file = self.data_dir / "postgres" / "postmaster.pid"
        if not pid_file.exists():
            return set()
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        return {postmaster, *postmaster.children()}

    def clean_up(self) -> None:
        for service in self.services:
            service.terminate()
            service.communicate(timeout=DEADLINE_SECONDS)


@pytest.fixture
def workdir() -> Iterator[Path]:
    """An empty directory. Not pytest's tmp_path, which the database's user cannot enter."""
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        yield Path(directory)


def an_installation(data_dir: Path) -> Installation:
    """Return an installation on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return Installation(data_dir=data_dir, port=port)


@pytest.fixture
def installation(workdir: Path) -> Iterator[Installation]:
    installation = an_installation(workdir / "data")
    yield installation
    installation.clean_up()


@pytest.fixture
def set_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Mapping[str, str]], None]:
    """Set exactly these settings in this process."""

    def set_only(settings: Mapping[str, str]) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name + FILE_SUFFIX, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    # Ignore the developer's `.env` and data directory.
    monkeypatch.setattr("config.environment.BASE_DIR", tmp_path)
    monkeypatch.setattr("config.declarations.kinds.BASE_DIR", tmp_path)
    return set_only
