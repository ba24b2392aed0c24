"""Seedings that are killed, in processes of their own."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Client
from harness.waiting import wait_until
from intake.customers.progress import latest_run
from intake.models import CustomerImport
from ledger.models import Transaction
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import (
    counts,
    customer,
    customers,
    json_lines,
    only_run,
    rejects_of,
)
from tests.processes import start
from wallets.models import Wallet

pytestmark = [pytest.mark.usefixtures("books"), pytest.mark.slow]

PATIENCE_SECONDS = 120


def run_to_the_end(source: str) -> str:
    process = start("seed_customers", source)
    printed, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, errors
    return printed.splitlines()[-1]


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)


def lines_done() -> int:
    run = latest_run()
    return run.total if run else 0


def test_killed_in_the_middle_it_goes_on_where_it_stopped(web: WebSource) -> None:
    lines = 12_000
    rows = [customer(n, balance=-1) if n % 100 == 7 else customer(n) for n in range(lines)]
    web.content = json_lines(rows)
    web.shut_after = len(web.content) * 3 // 4
    process = start("seed_customers", web.url)
    wait_until(lambda: lines_done() > 0)
    kill(process)
    run = only_run()
    assert 0 < run.total < lines
    assert Client.objects.count() == run.processed == run.total * 99 // 100
    # What a batch that never committed has left there.
    with (settings.DATA_DIR / "rejects" / f"{run.pk}.jsonl").open("a") as rejects:
        rejects.write('{"line": 1, "reason": "", "text": ""}\n{"half')
    web.shut_after = None

    told = run_to_the_end(web.url)

    rejected = lines // 100
    assert told.startswith(f"Seeded: {lines - rejected:,} customers of {lines:,} lines.")
    assert counts(only_run()) == (lines, lines - rejected, rejected)
    assert Client.objects.count() == Transaction.objects.count() == lines - rejected
    assert [reject["line"] for reject in rejects_of(run)] == list(range(8, lines, 100))


def test_killed_again_and_again_the_totals_are_the_same(tmp_path: Path) -> None:
    lines = 30_000
    source = tmp_path / "customers.jsonl"
    source.write_bytes(customers(lines))
    kills = 0
    while lines_done() < lines and kills < 3:
        before = lines_done()
        process = start("seed_customers", str(source))
        wait_until(lambda: lines_done() > before or process.poll() is not None)  # noqa: B023
        time.sleep(0.02 * kills)  # at another point of the next batch each time
        kill(process)
        kills += 1
    assert kills > 1

    run_to_the_end(str(source))

    assert counts(only_run()) == (lines, lines, 0)
    assert Client.objects.count() == Transaction.objects.count() == lines
    owned = Wallet.objects.filter(owner_id__isnull=False)
    assert set(owned.values_list("balance_minor", "version")) == {(1_000, 1)}
    assert "Nothing to do" in run_to_the_end(str(source))


def test_asked_to_stop_it_says_that_it_shows_no_life(web: WebSource) -> None:
    web.content = customers(12_000)
    web.shut_after = len(web.content) * 3 // 4
    process = start("seed_customers", web.url)
    wait_until(lambda: lines_done() > 0)

    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)

    run = only_run()
    assert run.state == CustomerImport.State.RUNNING
    age_seconds = time.time() - run.heartbeat_at.timestamp()
    assert age_seconds > 30
    web.gate.set()
    web.shut_after = None
    run_to_the_end(web.url)
    assert counts(only_run()) == (12_000, 12_000, 0)


def test_memory_is_flat(tmp_path: Path) -> None:
    def peak_bytes(lines: int) -> int:
        source = tmp_path / f"{lines}.jsonl"
        with source.open("wb") as file:
            # Lines that the database is not asked about, so that there can be many.
            bad = json_lines([customer(0, currency="XXX")])
            file.write(customers(100))
            for _ in range(lines // 1_000):
                file.write(bad * 1_000)
        process = start("seed_customers", str(source))
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        assert status == 0
        return usage.ru_maxrss * 1024

    little, much = peak_bytes(20_000), peak_bytes(200_000)

    assert much < little + 40 * 1024 * 1024
