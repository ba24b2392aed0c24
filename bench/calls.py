"""Calls over HTTP of the service and of the plain counterpart, and a worker's memory meanwhile."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import wrk
from bench.machine import Stopwatch, resident_mib
from bench.rows import Row, Sample
from config.environment import BASE_DIR
from harness.actors import Actor
from harness.database import create_database
from harness.installation import Installation


@dataclass
class Service:
    """A running web server, what it is called with, and how its memory grows."""

    installation: Installation
    #: The id of gunicorn's process.
    server: int
    data: Path
    seconds: float
    #: How many calls were answered so far, and the largest worker's memory then (MiB).
    growth: list[tuple[int, float]] = field(default_factory=list)
    answered: int = 0

    def row(self, name: str, title: str, *, call: str, connections: int = wrk.CONNECTIONS) -> Row:
        """Return the row of one kind of call."""
        return Row(name, title, partial(self.measure, call, self.data, connections))

    def row_of_pages(
        self, name: str, title: str, path: str, readers: Sequence[Actor], *, connections: int = 1
    ) -> Row:
        """Return the row of a `GET` by readers of their own wallets: `path` contains {wallet}."""
        pages = [
            {"path": path.format(wallet=reader.wallet), "token": reader.token} for reader in readers
        ]
        data = wrk.write_data(self.data.with_name(f"{name}.lua"), {"pages": pages})
        return Row(name, title, partial(self.measure, "page", data, connections))

    def warm_up(self, *calls: str) -> None:
        """Let it load and connect what it needs, and count nothing of that."""
        for call in calls:
            self._call(call, self.data, wrk.CONNECTIONS, seconds=1)

    def measure(self, call: str, data: Path, connections: int = wrk.CONNECTIONS) -> Sample:
        """Measure one kind of call, made of other lists than the rest."""
        sample = self._call(call, data, connections, seconds=self.seconds)
        self.answered += sample.cost.items
        self.growth.append((self.answered, max(resident_mib(self.server))))
        return sample

    def _call(self, call: str, data: Path, connections: int, *, seconds: float) -> Sample:
        return wrk.call(
            call,
            data,
            port=self.installation.port,
            seconds=seconds,
            watch=partial(Stopwatch, self.installation.data_dir, [self.server]),
            connections=connections,
        )


@contextmanager
def plain_service(
    installation: Installation, seconds: float, *, payers: int, companies: int
) -> Iterator[Service]:
    """Serve the plain counterpart from a database of its own on the same server."""
    plain = Installation(
        installation.data_dir,
        settings={**installation.settings, "DJANGO_SETTINGS_MODULE": "bench.plain.settings"},
    )
    create_database(plain.data_dir, "plain")
    data = plain.data_dir / "plain.lua"
    subprocess.run(
        [sys.executable, "-m", "bench.plain.fill", str(data), str(payers), str(companies)],
        cwd=BASE_DIR,
        env=plain.environment(),
        check=True,
    )
    with plain.web_server() as server:
        yield Service(plain, server.pid, data, seconds)


def rows_of_money(service: Service) -> list[Row]:
    """Return the calls that move money, and the one that reads a balance."""
    return [
        service.row("http.charge", "POST /wallet/charge, random merchants", call="charge"),
        service.row("http.hot", "POST /wallet/charge, all into one wallet", call="hot"),
        service.row("http.deposit", "POST /wallet/deposit", call="deposit"),
        service.row("http.info", "GET /wallet/info", call="info"),
    ]


def rows_of_plain(plain: Service) -> list[Row]:
    """Return the calls of the plain counterpart."""
    return [
        plain.row("http.bare", "plain DRF: a token, one row read by key", call="bare"),
        plain.row("http.orm", "plain DRF: a transfer with the ORM", call="orm"),
    ]
