"""Calls of the service and of its plain counterpart over HTTP, and a worker's memory meanwhile."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import wrk
from bench.actors import Actors, Caller
from bench.machine import Stopwatch, resident_mib
from bench.rows import Row, Sample


@dataclass
class Service:
    """The running service: where it listens, what it is called with, and how it grows."""

    data_dir: Path
    server: int
    data: Path
    seconds: float
    #: Calls answered so far, and the largest worker's memory then (MiB).
    growth: list[tuple[int, float]] = field(default_factory=list)
    port: int = field(default_factory=lambda: int(os.environ["PORT"]))
    answered: int = 0

    def row(self, name: str, title: str, *, call: str, connections: int = wrk.CONNECTIONS) -> Row:
        """Return the row of one kind of call."""
        return Row(name, title, partial(self._take, call, self.data, connections))

    def row_of_pages(
        self, name: str, title: str, path: str, readers: Sequence[Caller], *, connections: int = 1
    ) -> Row:
        """Return the row of a `GET` by readers of their own wallets: `path` says {wallet}."""
        pages = [
            {"path": path.format(wallet=reader.wallet_id), "token": reader.token}
            for reader in readers
        ]
        data = wrk.write_data(self.data.with_name(f"{name}.lua"), {"pages": pages})
        return Row(name, title, partial(self._take, "page", data, connections))

    def warm_up(self, calls: Sequence[str]) -> None:
        """Let it load and connect what it needs, and count nothing of that."""
        for call in calls:
            self._call(call, self.data, wrk.CONNECTIONS, seconds=1)

    def _take(self, call: str, data: Path, connections: int) -> Sample:
        sample = self._call(call, data, connections, seconds=self.seconds)
        self.answered += sample.cost.items
        self.growth.append((self.answered, max(resident_mib(self.server))))
        return sample

    def _call(self, call: str, data: Path, connections: int, *, seconds: float) -> Sample:
        watch = partial(Stopwatch, self.data_dir, [self.server])
        return wrk.call(
            call, data, port=self.port, seconds=seconds, watch=watch, connections=connections
        )


def write_actors(file: Path, actors: Actors) -> Path:
    """Write whom wrk calls for, and about."""
    return wrk.write_data(
        file,
        {
            "payers": [str(payer) for payer in actors.payers],
            "companies": [_lua(company) for company in actors.companies],
            "clients": [_lua(client) for client in actors.clients],
        },
    )


def rows_of_money(service: Service) -> list[Row]:
    """Return the calls that move money, and the one that reads what is there."""
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


def _lua(caller: Caller) -> dict[str, str]:
    return {"token": caller.token, "wallet": str(caller.wallet_id)}
