"""The service as it runs in production, and the means to break each part of it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Self

import psutil
import psycopg

from harness import database, processes
from harness.installation import Installation
from harness.processes import ISOLATED, STOP_SECONDS, free_port
from harness.waiting import poll
from ops import embedded_postgres
from ops.embedded_postgres import EmbeddedPostgresError, Role
from prove import switches
from prove.process_mutations import VARIABLE as MUTANT_VARIABLE
from prove.switches import Switches
from prove.workdir import Workdir

WORKERS = 2
THREADS = 16
PROCESSORS = 2
#: Of each worker: its pool, at most. Of each processor: its connection, and the scheduler's.
SESSIONS_PER_WORKER = 6
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
RECOVERY_SECONDS = 90

#: The service's settings in all runs. Waits are short, so that many faults fit into minutes.
SETTINGS = {
    **ISOLATED,
    "WALLET_SERVICE_SECRET_KEY": "the key of the proof",
    "WALLET_SERVICE_HTTPS": "off",
    "WALLET_SERVICE_RATE_LIMITS": "off",
    # The invariants want a row for each failed attempt.
    "WALLET_SERVICE_FAILED_ATTEMPTS": "10000",
    "WALLET_SERVICE_LOG_LEVEL": "error",
    "WALLET_SERVICE_LOG_FORMAT": "plain",
    "WALLET_SERVICE_WORKERS": str(WORKERS),
    "WALLET_SERVICE_THREADS": str(THREADS),
    "WALLET_SERVICE_DATABASE_CONNECTIONS": str(SESSIONS_PER_WORKER),
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


class BreakableInstallation(Installation):
    """PostgreSQL, the proxy, the web server and the processors; leaving it stops all of them."""

    def __init__(self, workdir: Workdir) -> None:
        log = workdir.directory / "service.log"
        super().__init__(workdir.directory / "data", settings=SETTINGS, log=log)
        self.workdir = workdir
        self.database = embedded_postgres.DATABASE
        self.mutant = ""
        self._switches_file = workdir.directory / "switches"
        self.switches = Switches(self._switches_file)
        self.server_log = self.data_dir / "postgres" / "server.log"
        self._lease = embedded_postgres.ensure_running(self.data_dir)
        self.proxy = ProxyProcess(self)
        self._web: subprocess.Popen[str] | None = None
        self._processors: dict[int, subprocess.Popen[str]] = {}

    def move_moment(self, seconds: int) -> None:
        """Move the database's moment so far ahead of the real time; 0 sets it right."""
        with self.connect() as superuser:
            superuser.execute(
                "CREATE OR REPLACE FUNCTION current_moment() RETURNS timestamptz LANGUAGE sql"
                f" VOLATILE RETURN clock_timestamp() + interval '{seconds:d} seconds'"
            )

    def variables(self) -> dict[str, str]:
        """Return the settings of its processes, which reach PostgreSQL by the proxy."""
        address = f"127.0.0.1:{self.proxy.port}"
        return {
            **super().variables(),
            "DATABASE_URL": f"postgresql://{Role.APP}@{address}/{self.database}",
            switches.VARIABLE: str(self._switches_file),
            MUTANT_VARIABLE: self.mutant,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.workdir.free()
        self.stop_service()
        self.proxy.kill()
        self.revive_database()
        self._lease.release()

    # --- The web server and the processors ------------------------------------------------

    def start_service(self) -> None:
        """Start the web server and the processors, and wait until they work."""
        self._web = self.start_web("prove.wsgi")
        self.keep_processors()
        if not poll(self.is_healthy, seconds=START_SECONDS):
            raise ProofBroken(f"The service does not start: {self.log_tail()}")

    def keep_processors(self) -> None:
        """Start those that do not run, as a supervisor does."""
        for number in range(PROCESSORS):
            processor = self._processors.get(number)
            if processor is None or processor.poll() is not None:
                self._processors[number] = self.start("-m", "prove.process", "process_transactions")

    def stop_service(self) -> None:
        """Stop the web server and the processors."""
        started = [*self._processors.values(), *([self._web] if self._web else [])]
        for process in started:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in started:
            processes.stop(process)
        self._processors.clear()
        self._web = None

    def restart_web(self) -> None:
        """Stop the web server as a deployment does: it finishes the requests that it has begun."""
        if self._web is not None:
            processes.stop(self._web)
        self._web = self.start_web("prove.wsgi")

    def workers(self) -> list[psutil.Process]:
        """Return gunicorn's workers that live."""
        if self._web is None:
            return []
        try:
            return list(psutil.Process(self._web.pid).children())
        except psutil.NoSuchProcess:
            return []

    def is_healthy(self) -> bool:
        """Return whether the service reports that money can move."""
        return self.is_answering("/api/v1/health")

    def recover(self) -> bool:
        """Do what supervisors do, until money moves again. Returns whether it did in time."""

        def is_well() -> bool:
            self.keep_processors()
            self.revive_database()
            return self.is_healthy() and len(self.workers()) == WORKERS

        return poll(is_well, seconds=RECOVERY_SECONDS)

    def log_tail(self) -> str:
        """Return the end of what the service has logged."""
        return self.log.read_text("utf-8", "replace")[-4000:] if self.log else ""

    # --- PostgreSQL -------------------------------------------------------------------------

    @contextmanager
    def connect(self, role: Role = Role.SUPERUSER) -> Iterator[psycopg.Connection[Any]]:
        """Connect to the service's database without the proxy; each statement commits by itself."""
        with database.connect(self.data_dir, role, self.database) as connection:
            yield connection

    def use_database(self, name: str) -> None:
        """Let Django here, and the service once it starts, use this database."""
        database.use_database(name)
        self.database = name

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
        with suppress(EmbeddedPostgresError):
            self._lease.revive()

    def restart_database(self) -> None:
        """Stop PostgreSQL in an orderly way that does not wait for its sessions, and start it."""
        servers = self.database_processes()
        if servers:
            servers[0].send_signal(signal.SIGINT)
            psutil.wait_procs(servers, timeout=STOP_SECONDS)
        self.revive_database()


class ProxyProcess:
    """The process of `prove.proxy` between the service and an installation's PostgreSQL."""

    def __init__(self, installation: Installation) -> None:
        self.port = free_port()
        self._socket = installation.data_dir / "postgres" / ".s.PGSQL.5432"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = processes.start(
            *("-m", "prove.proxy", str(self.port), str(self._socket)),
            variables=processes.environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._read_line()

    def order(self, line: str) -> str:
        """Send an order and return the answer: see `prove.proxy`."""
        stdin = self._pipe("stdin")
        stdin.write(line + "\n")
        stdin.flush()
        return self._read_line()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _read_line(self) -> str:
        answer = self._pipe("stdout").readline().strip()
        if not answer:
            raise ProofBroken("The proxy has ended.")
        return answer

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] | None = getattr(self._process, name, None)
        if pipe is None:
            raise ProofBroken("The proxy does not run.")
        return pipe
