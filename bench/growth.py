"""`make bench-growth`: what a call costs with ten million transactions, beside ten thousand.

Two databases on one server, with the same accounts; one of them has two years of transactions.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management import call_command

from bench import report, wrk
from bench.machine import REPEATS, describe_machine
from bench.rows import InvalidRun, Result, Row, interleave
from bench.service import exit_in_order, fresh_installation
from bench.targets import Target
from config.environment import BASE_DIR
from harness.database import connect, create_database
from harness.installation import Installation
from ops.embedded_postgres import DATABASE, Role, database_url

if TYPE_CHECKING:
    from harness.actors import Actor

LONGEST_SECONDS = 40 * 60
SMALL = "wallet_small"
PAYERS = 10_000
COMPANIES = 100
MONTHS = 24
CONNECTIONS = 4
_SECONDS = 4
_SIZES = (("small", SMALL), ("large", DATABASE))
_CALLS = {
    "history": "GET /wallet/history, first page",
    "info": "GET /wallet/info",
    "charge": "POST /wallet/charge",
    "statement": "GET /wallets/…/statement of the last hour",
}
_INDEXES = """
    SELECT regexp_replace(indexrelname, '^ledger_transaction_\\d{4}_\\d\\d_', ''), sum(idx_scan),
           pg_size_pretty(sum(pg_relation_size(indexrelid)))
      FROM pg_stat_user_indexes WHERE relname LIKE 'ledger\\_transaction\\_20%'
     GROUP BY 1 ORDER BY 1
"""


def main(options: argparse.Namespace) -> None:
    """Fill both databases, measure, print the tables, and write them."""
    started = time.monotonic()
    machine = describe_machine()
    print(f"{machine}\nSetting up …", flush=True)
    rounds = max(2, options.transactions // PAYERS)
    with fresh_installation() as installation:
        data_dir = installation.data_dir
        now = datetime.now(UTC)
        companies, notes = _fill(data_dir, rounds, now)
        with connect(data_dir) as superuser:
            superuser.execute("SELECT pg_stat_reset()")
        with ExitStack() as stack:
            rows = list(_rows(stack, installation, options.seconds, companies, now))
            print(f"Measuring, after {time.monotonic() - started:.0f} seconds …", flush=True)
            results = interleave(rows, options.repeats)
        notes += _indexes(data_dir)

        def write() -> None:
            run = report.run_as_json(
                machine,
                results,
                list(_targets(results)),
                notes,
                repeats=options.repeats,
                finished_at=datetime.now(UTC).strftime("%-d %B %Y"),
                minutes=round((time.monotonic() - started) / 60, 1),
            )
            report.write(options.output, "growth", run)

        # The figures are kept even if verifying takes too long, or finds something.
        write()
        verified = time.monotonic()
        call_command("verify_ledger")
        notes.append(f"Verifying the ledger took {time.monotonic() - verified:.0f} seconds.")
        write()
    for line in (
        *report.targets_table(list(_targets(results))),
        "",
        *report.results_table(results),
    ):
        print(line)
    print("", *notes, f"Written: {options.output / 'benchmarks.md'}", sep="\n")


def _fill(data_dir: Path, rounds: int, now: datetime) -> "tuple[Sequence[Actor], list[str]]":
    """Make the actors, copy the database, and fill both with transactions."""
    from accounts.models import Role as UserRole
    from bench.actors import Actors, callers, empty_wallets
    from bench.backfill import Backfill

    payers = empty_wallets(UserRole.CLIENT, PAYERS)
    companies = callers(UserRole.COMPANY, COMPANIES)
    Actors(payers, companies, companies).write(data_dir / "calls.lua")
    _make_partitions(data_dir)
    create_database(data_dir, SMALL, template=DATABASE)
    days = (now - _first_month(now)).days - 1
    notes = []
    for database, count in ((SMALL, 1), (DATABASE, rounds)):
        started = time.monotonic()
        wallets = [company.wallet for company in companies]
        with Backfill(data_dir, payers, wallets, database) as backfill:
            # The last round is of the last hour in both: the calls ask both for the same.
            backfill.write(count, until=now, days=days, recent=1)
        seconds = time.monotonic() - started
        notes.append(
            f"{count * PAYERS:,} transactions were filled in within {seconds:.0f} seconds."
        )
        print(notes[-1], flush=True)
        with connect(data_dir, database=database) as superuser:
            superuser.execute("VACUUM (ANALYZE) ledger_transaction")
    return companies, notes


def _make_partitions(data_dir: Path) -> None:
    """Make the partitions of past months, by the function that makes those of the next ones."""
    with connect(data_dir, Role.OWNER) as owner:
        row = owner.execute(
            "SELECT pg_get_functiondef('make_transaction_partitions'::regproc)"
        ).fetchone()
        function = str(row[0] if row else "")
        backwards = function.replace("IN -1 .. months", f"IN -{MONTHS - 1} .. 0")
        if backwards == function:
            raise InvalidRun("make_transaction_partitions does not count from last month any more.")
        owner.execute(backwards.replace("make_transaction_partitions", "bench_partitions").encode())
        owner.execute("SELECT bench_partitions(0)")


def _first_month(now: datetime) -> datetime:
    """Return when the oldest partition begins."""
    month = now.year * 12 + now.month - 1 - (MONTHS - 1)
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _rows(
    stack: ExitStack,
    installation: Installation,
    seconds: float,
    readers: "Sequence[Actor]",
    now: datetime,
) -> Iterator[Row]:
    """Start a web server for each database, and yield each call's rows, of both in turn."""
    from bench.calls import Service

    services = {}
    for size, database in _SIZES:
        settings = {
            **installation.settings,
            "DATABASE_URL": database_url(installation.data_dir, Role.APP, database),
            "WALLET_SERVICE_SECRET_KEY": "of the benchmark alone, and public",
            "WALLET_SERVICE_HTTPS": "off",
        }
        each = Installation(installation.data_dir, settings=settings)
        server = stack.enter_context(each.web_server()).pid
        services[size] = Service(each, server, each.data_dir / "calls.lua", seconds)
        services[size].warm_up("charge", "info")
    since, until = (at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (now - timedelta(hours=1), now))
    pages = {
        "history": "/wallet/history/{wallet}",
        "statement": f"/wallets/{{wallet}}/statement?from={since}&to={until}",
    }
    for call, title in _CALLS.items():
        for size, service in services.items():
            name, full_title = f"{call}.{size}", f"{title}, {size}"
            if call in pages:
                path = pages[call]
                yield service.row_of_pages(name, full_title, path, readers, connections=CONNECTIONS)
            else:
                yield service.row(name, full_title, call=call, connections=CONNECTIONS)


def _targets(results: dict[str, Result]) -> Iterator[Target]:
    for call in _CALLS:
        small, large = results[f"{call}.small"], results[f"{call}.large"]
        yield Target(call, "with 10,000: a second", large.rate / small.rate, 0.9)
        yield Target(call, "its processor time", _processor(large) / _processor(small), 1.1, True)


def _processor(result: Result) -> float:
    return (result.python_us or 0) + result.postgres_us


def _indexes(data_dir: Path) -> list[str]:
    """Return how often the calls read each index of the partitions, and how large it is."""
    with connect(data_dir) as superuser:
        return [
            f"Index `{name}`: read {scans:,} times by the calls above; {size} in all months."
            for name, scans, size in superuser.execute(_INDEXES)
        ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    parser.add_argument("--transactions", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=REPEATS, metavar="N")
    parser.add_argument("--seconds", type=float, default=_SECONDS, metavar="S")
    parser.add_argument("--output", type=Path, metavar="DIRECTORY", default=BASE_DIR / "docs")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    if not wrk.is_installed():
        sys.exit(wrk.MISSING)
    exit_in_order(LONGEST_SECONDS)
    try:
        main(arguments)
    except InvalidRun as reason:
        sys.exit(f"The run is invalid. {reason}")
