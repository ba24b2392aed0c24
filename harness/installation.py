"""An installation of the service: a data directory, a port, and its processes."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import psutil

from config.environment import BASE_DIR
from harness import processes
from harness.waiting import DEADLINE_SECONDS, wait_until


@dataclass
class Installation:
    """A data directory and a port. What it starts runs with `settings`."""

    data_dir: Path
    port: int = field(default_factory=processes.free_port)
    settings: Mapping[str, str] = field(default_factory=dict)
    #: The file for what its processes write to stderr; None: the terminal.
    log: Path | None = None
    services: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **settings: str) -> dict[str, str]:
        """Return its processes' environment; `settings` win over the installation's."""
        return processes.environment(self.variables() | settings)

    def variables(self) -> dict[str, str]:
        """Return all settings that it runs with."""
        return {
            "WALLET_SERVICE_LOG_LEVEL": "warning",
            **self.settings,
            "WALLET_SERVICE_DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
        }

    # --- Starting and stopping --------------------------------------------------------------

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

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start `python ARGUMENTS` as one of its processes."""
        return self._start(arguments, settings)

    def serve(self, **settings: str) -> tuple[subprocess.Popen[str], str]:
        """Start all of the service, as `make run` does.

        Returns the process, and what it printed until it answered.
        """
        service = self._start(("manage.py", "serve"), settings, stdout=subprocess.PIPE)
        self.services.append(service)
        assert service.stdout is not None
        printed = ""
        for line in service.stdout:
            printed += line
            if self.url in line and "answers at" in line:
                return service, printed
        raise RuntimeError(f"The service ended with status {service.wait()}: {printed}")

    def start_web(self, application: str = "config.wsgi", **settings: str) -> subprocess.Popen[str]:
        """Start gunicorn as the service configures it."""
        arguments = ("-m", "gunicorn", "--config=python:config.gunicorn", application)
        return self.start(*arguments, **settings)

    @contextmanager
    def web_server(self, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """Run the web server; yield its process once it answers."""
        with running(self.start_web(**settings)) as web:
            wait_until(self.is_answering)
            yield web

    def clean_up(self) -> None:
        """Stop what `serve` has started."""
        for service in self.services:
            processes.stop(service, seconds=DEADLINE_SECONDS)

    def _start(
        self, arguments: Sequence[str], settings: Mapping[str, str], stdout: int | None = None
    ) -> subprocess.Popen[str]:
        with ExitStack() as stack:
            log = stack.enter_context(self.log.open("a")) if self.log else None
            variables = self.environment(**settings)
            return processes.start(
                *arguments, variables=variables, stdout=stdout or log, stderr=log
            )

    # --- What runs --------------------------------------------------------------------------

    def is_answering(self, path: str = "/status") -> bool:
        """Return whether the service answers a GET with 200."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except (OSError, ValueError):
            return False

    def processes(self) -> set[psutil.Process]:
        """Return the children of what `serve` has started, and PostgreSQL's processes."""
        children = {
            process
            for service in self.services
            if psutil.pid_exists(service.pid)
            for process in psutil.Process(service.pid).children(recursive=True)
        }
        return {*children, *self.database_processes()}

    def database_processes(self) -> list[psutil.Process]:
        """Return PostgreSQL's first process and then its children; nothing while it is down."""
        try:
            pid_file = self.data_dir / "postgres" / "postmaster.pid"
            postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
            return [postmaster, *postmaster.children()]
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return []


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Stop the process in the end."""
    try:
        yield process
    finally:
        processes.stop(process)
