"""The service as it runs in production, and the means to break each part of it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil
import psycopg

from config.database import PROFILE_VARIABLE
from config.environment import BASE_DIR
from ops import embedded_postgres
from ops.embedded_postgres import Role
from prove import switches
from prove.place import Place
from prove.sabotage import VARIABLE as MUTANT_VARIABLE
from prove.switches import Switches
from prove.waiting import wait_until

WORKERS = 2
THREADS = 4
PROCESSORS = 2
#: Of each worker: its pool, at most. Of each processor: its connection, and the scheduler's.
SESSIONS_PER_WORKER = THREADS + 2
SESSIONS_PER_PROCESSOR = 14
MAX_CONNECTIONS = int(embedded_postgres.SERVER_SETTINGS["max_connections"])
LOCK_TIMEOUT_MS = 1_000
STATEMENT_TIMEOUT_MS = 2_000
#: A session that waits for its client in a transaction is ended after this long.
IDLE_IN_TRANSACTION_SECONDS = 2 * STATEMENT_TIMEOUT_MS / 1000
MAX_WALLETS = 12
MAX_ATTEMPTS = 3
RETRY_SECONDS = 2
START_SECONDS = 180
STOP_SECONDS = 30
RECOVERY_SECONDS = 90

#: The service's settings in all runs. Waits are short, so that many faults fit into minutes.
SETTINGS = {
    "WALLET_SERVICE_SECRET_KEY": "the key of the proof",
    "WALLET_SERVICE_HTTPS": "off",
    "WALLET_SERVICE_RATE_LIMITS": "off",
    "WALLET_SERVICE_LOG_LEVEL": "error",
    "WALLET_SERVICE_LOG_FORMAT": "plain",
    "WALLET_SERVICE_WORKERS": str(WORKERS),
    "WALLET_SERVICE_THREADS": str(THREADS),
    "WALLET_SERVICE_LOCK_TIMEOUT_MS": str(LOCK_TIMEOUT_MS),
    "WALLET_SERVICE_STATEMENT_TIMEOUT_MS": str(STATEMENT_TIMEOUT_MS),
    "WALLET_SERVICE_MAX_WALLETS_BY_CLIENT": str(MAX_WALLETS),
    "WALLET_SERVICE_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    "WALLET_SERVICE_RETRY_SECONDS": str(RETRY_SECONDS),
    # The clock jumps by a day; tokens shall not end by it.
    "WALLET_SERVICE_AUTH_TOKEN_EXPIRATION": "1000",
}


class ProofBroken(Exception):
    """The proof itself cannot go on. Its text says why."""


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Installation:
    """PostgreSQL, the proxy, the web server and the processors; leaving it stops all of them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data_dir = place.directory / "data"
        self.database = embedded_postgres.DATABASE
        self.mutant = ""
        self.port = free_port()
        self.switches = Switches(place.directory / "switches")
        self.log = place.directory / "service.log"
        self._proxy_port = free_port()
        self._lease = embedded_postgres.ensure_running(self.data_dir)
        self._proxy: subprocess.Popen[str] | None = None
        self._web: subprocess.Popen[bytes] | None = None
        self._processors: dict[int, subprocess.Popen[bytes]] = {}
        #: How often a processor ended by itself: its supervisor starts it anew.
        self.self_ended = 0

    # --- Starting and stopping ------------------------------------------------------------

    def start_proxy(self) -> None:
        socket_path = self.data_dir / "postgres" / ".s.PGSQL.5432"
        self._proxy = subprocess.Popen(
            [sys.executable, "-m", "prove.proxy", str(self._proxy_port), str(socket_path)],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._heard()

    def start_service(self) -> None:
        """Start the web server and the processors, and wait until they work."""
        self.start_web()
        self.keep_processors()
        if not wait_until(self.answers, seconds=START_SECONDS):
            raise ProofBroken(f"The service does not start: see {self.log}.")

    def start_web(self) -> None:
        self._web = self._start("-m", "gunicorn", "--config=python:config.gunicorn", "prove.wsgi")

    def keep_processors(self) -> None:
        """Start those that do not run, as a supervisor does."""
        for number in range(PROCESSORS):
            processor = self._processors.get(number)
            if processor is None or processor.poll() is not None:
                if processor is not None and processor.returncode != -signal.SIGKILL:
                    self.self_ended += 1
                self._processors[number] = self._start(
                    "-m", "prove.process", "process_transactions"
                )

    def stop_service(self) -> None:
        started = [*self._processors.values(), *([self._web] if self._web else [])]
        for process in started:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in started:
            _end(process)
        self._processors.clear()
        self._web = None

    def restart_web(self) -> None:
        """Stop the web server as a deployment does: what it has begun it brings to its end."""
        if self._web is not None:
            self._web.terminate()
            _end(self._web)
        self.start_web()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.place.free()
        self.stop_service()
        if self._proxy is not None:
            self._proxy.kill()
            self._proxy.communicate()
        with suppress(embedded_postgres.EmbeddedPostgresError):
            self.revive_database()
        self._lease.release()

    # --- The web server and the processors ------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """Return gunicorn's workers that live."""
        if self._web is None:
            return []
        try:
            return list(psutil.Process(self._web.pid).children())
        except psutil.NoSuchProcess:
            return []

    def answers(self) -> bool:
        """Return whether the service says that money can move."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004
        except (OSError, ValueError):
            return False

    def recover(self) -> bool:
        """Do what supervisors do, until money moves again. Returns whether it did in time."""

        def is_well() -> bool:
            self.keep_processors()
            self.revive_database()
            return self.answers() and len(self.workers()) == WORKERS

        return wait_until(is_well, seconds=RECOVERY_SECONDS)

    # --- PostgreSQL -------------------------------------------------------------------------

    @contextmanager
    def connect(
        self, role: Role = Role.SUPERUSER, *, database: str = ""
    ) -> Iterator[psycopg.Connection[Any]]:
        """Connect past the proxy, each statement for itself."""
        url = embedded_postgres.database_url(self.data_dir, role, database or self.database)
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            yield connection

    def database_processes(self) -> list[psutil.Process]:
        """Return the postmaster, first, and its children."""
        try:
            pid = int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            postmaster = psutil.Process(pid)
            return [postmaster, *postmaster.children()]
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return []

    def backends(self) -> list[int]:
        """Return the process ids of the app's sessions."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = %s AND datname = %s",
                [Role.APP, self.database],
            ).fetchall()
        return [pid for (pid,) in rows]

    def revive_database(self) -> None:
        """Start PostgreSQL again if it has died, as a supervisor does."""
        with suppress(embedded_postgres.EmbeddedPostgresError):
            self._lease.revive()

    def restart_database(self) -> None:
        """Stop PostgreSQL in an orderly way that does not wait for its sessions, and start it."""
        processes = self.database_processes()
        if processes:
            processes[0].send_signal(signal.SIGINT)
            psutil.wait_procs(processes, timeout=STOP_SECONDS)
        self.revive_database()

    @property
    def server_log(self) -> Path:
        return self.data_dir / "postgres" / "server.log"

    # --- The proxy ----------------------------------------------------------------------------

    def tell_proxy(self, order: str) -> str:
        """Give the proxy an order and return its answer."""
        if self._proxy is None or self._proxy.stdin is None:
            raise ProofBroken("The proxy does not run.")
        self._proxy.stdin.write(order + "\n")
        self._proxy.stdin.flush()
        return self._heard()

    def _heard(self) -> str:
        if self._proxy is None or self._proxy.stdout is None:
            raise ProofBroken("The proxy does not run.")
        answer = self._proxy.stdout.readline().strip()
        if not answer:
            raise ProofBroken("The proxy has ended.")
        return answer

    # --- Processes ----------------------------------------------------------------------------

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return self._popen(log, *arguments)

    def _popen(self, log: IO[bytes], *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=BASE_DIR,
            env={
                **{name: os.environ[name] for name in os.environ if name != PROFILE_VARIABLE},
                **SETTINGS,
                "DATABASE_URL": f"postgresql://{Role.APP}@127.0.0.1:{self._proxy_port}/{self.database}",
                "WALLET_SERVICE_DATA_DIR": str(self.data_dir),
                "PORT": str(self.port),
                switches.VARIABLE: str(self.place.directory / "switches"),
                MUTANT_VARIABLE: self.mutant,
            },
            stdout=log,
            stderr=log,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
