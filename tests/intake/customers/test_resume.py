"""Imports that are killed, each in its own process."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Client
from harness.waiting import wait_until
from intake.customers.progress import latest_import_run
from intake.models import CustomerImport
from ledger.models import Transaction
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import (
    counts,
    customer,
    customer_lines,
    json_lines,
    only_run,
    read_rejects,
)
from tests.processes import start
from wallets.models import Wallet

pytestmark = [pytest.mark.usefixtures("books"), pytest.mark.slow]

END_TIMEOUT_SECONDS = 120


def import_to_the_end(source: str) -> str:
    process = start("import_customers", source)
    output, errors = process.communicate(timeout=END_TIMEOUT_SECONDS)
    assert process.returncode == 0, errors
    return output.splitlines()[-1]


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=END_TIMEOUT_SECONDS)


def committed_lines() -> int:
    run = latest_import_run()
    return run.total if run else 0


def test_a_killed_import_is_resumed_where_it_stopped(web: WebSource) -> None:
    lines = 12_000
    rows = [customer(n, balance=-1) if n % 100 == 7 else customer(n) for n in range(lines)]
    web.content = json_lines(rows)
    web.pause_after = len(web.content) * 3 // 4
    process = start("import_customers", web.url)
    wait_until(lambda: committed_lines() > 0)
    kill(process)
    run = only_run()
    assert 0 < run.total < lines
    assert Client.objects.count() == run.processed == run.total * 99 // 100
    # As a batch leaves it that was not committed.
    with (settings.DATA_DIR / "rejects" / f"{run.pk}.jsonl").open("a") as rejects:
        rejects.write('{"line": 1, "reason": "", "text": ""}\n{"half')
    web.pause_after = None

    output = import_to_the_end(web.url)

    rejected = lines // 100
    assert output.startswith(f"Imported: {lines - rejected:,} customers of {lines:,} lines.")
    assert counts(only_run()) == (lines, lines - rejected, rejected)
    assert Client.objects.count() == Transaction.objects.count() == lines - rejected
    assert [reject["line"] for reject in read_rejects(run)] == list(range(8, lines, 100))


def test_an_import_killed_several_times_has_the_same_totals(tmp_path: Path) -> None:
    lines = 30_000
    source = tmp_path / "customers.jsonl"
    source.write_bytes(customer_lines(lines))
    kills = 0
    while committed_lines() < lines and kills < 3:
        before = committed_lines()
        process = start("import_customers", str(source))
        wait_until(lambda: committed_lines() > before or process.poll() is not None)  # noqa: B023
        time.sleep(0.02 * kills)  # each time at another point of the batch
        kill(process)
        kills += 1
    assert kills > 1

    import_to_the_end(str(source))

    assert counts(only_run()) == (lines, lines, 0)
    assert Client.objects.count() == Transaction.objects.count() == lines
    owned = Wallet.objects.filter(owner_id__isnull=False)
    assert set(owned.values_list("balance_minor", "version")) == {(1_000, 1)}
    assert "Nothing to do" in import_to_the_end(str(source))


def test_a_terminated_import_expires_its_heartbeat(web: WebSource) -> None:
    web.content = customer_lines(12_000)
    web.pause_after = len(web.content) * 3 // 4
    process = start("import_customers", web.url)
    wait_until(lambda: committed_lines() > 0)

    process.terminate()
    process.communicate(timeout=END_TIMEOUT_SECONDS)

    run = only_run()
    assert run.state == CustomerImport.State.RUNNING
    age_seconds = time.time() - run.heartbeat_at.timestamp()
    assert age_seconds > 30
    web.resume.set()
    web.pause_after = None
    import_to_the_end(web.url)
    assert counts(only_run()) == (12_000, 12_000, 0)


def test_memory_is_flat(tmp_path: Path) -> None:
    def peak_bytes(lines: int) -> int:
        source = tmp_path / f"{lines}.jsonl"
        with source.open("wb") as file:
            # Invalid lines cost no query, so that there can be many.
            bad = json_lines([customer(0, currency="XXX")])
            file.write(customer_lines(100))
            for _ in range(lines // 1_000):
                file.write(bad * 1_000)
        process = start("import_customers", str(source))
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        assert status == 0
        return usage.ru_maxrss * 1024

    little, much = peak_bytes(20_000), peak_bytes(200_000)

    assert much < little + 40 * 1024 * 1024
