"""What PostgreSQL does without a service around it: pgbench, on the service's own tables."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg

from bench.machine import Stopwatch
from bench.rows import InvalidRun, Row, Sample
from ops.embedded_postgres import Role, database_url, programs

CLIENTS = 8
BATCH = 1_000
_SQL = Path(__file__).with_name("sql")
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_TPS = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


class Pgbench:
    """Runs scripts against a database, and makes the tables and functions that they need."""

    def __init__(self, data_dir: Path, seconds: float) -> None:
        self._data_dir = data_dir
        # It takes whole seconds.
        self._seconds = max(1, round(seconds))
        self._url = database_url(data_dir, Role.OWNER)
        with psycopg.connect(self._url) as owner:
            owner.execute((_SQL / "limits.sql").read_bytes())
            counts = owner.execute(
                "SELECT (SELECT count(*) FROM bench_payer), (SELECT count(*) FROM bench_company)"
            ).fetchone()
        payers, companies = counts or (0, 0)
        self._variables = {"payers": payers, "companies": companies, "size": BATCH}

    def rows(self) -> list[Row]:
        """Return the limits."""
        return [
            self._row("limit.statements", "PostgreSQL: plain statements"),
            self._row("limit.function", "PostgreSQL: one function"),
            self._row("limit.once", "PostgreSQL: one function and an idempotency row"),
            self._row("limit.hot", "PostgreSQL: one function, all into one wallet"),
            self._row("limit.batch", f"PostgreSQL: sets of {BATCH:,}, 1 client", 1, BATCH),
        ]

    def _row(self, name: str, title: str, clients: int = CLIENTS, size: int = 1) -> Row:
        script = _SQL / f"{name.partition('.')[2]}.sql"
        title = title if clients == 1 else f"{title}, {clients} clients"
        return Row(name, title, lambda: self._run(script, clients, size), is_python=False)

    def _run(self, script: Path, clients: int, size: int) -> Sample:
        command = [
            *(str(programs() / "pgbench"), "--no-vacuum", "--protocol=prepared"),
            *(f"--file={script}", f"--time={self._seconds}", f"--client={clients}"),
            f"--jobs={min(clients, os.cpu_count() or 1)}",
            *(f"--define={name}={value}" for name, value in self._variables.items()),
            self._url,
        ]
        watch = Stopwatch(self._data_dir)
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=self._seconds + 60, check=False
        )
        done, failed, tps = (p.search(result.stdout) for p in (_DONE, _FAILED, _TPS))
        if result.returncode or not done or not tps or (failed and failed[1] != "0"):
            raise InvalidRun(f"pgbench failed on {script.name}: {result.stderr[-500:]}")
        cost = watch.stop(int(done[1]) * size)
        return Sample(replace(cost, seconds=cost.items / (float(tps[1]) * size)))
