"""The import of customers that the worker runs at its start."""

import subprocess
from pathlib import Path
from threading import Timer

import pytest

from harness.waiting import DEADLINE_SECONDS, wait_until
from intake.models import CustomerImport
from tests.factories import Holder, a_client
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import counts, customer_lines, only_run
from tests.processes import Workers

pytestmark = pytest.mark.slow

LOG_LEVEL = {"WALLET_SERVICE_LOG_LEVEL": "info"}
LINES = 12_000


def queue(client: Holder) -> str:
    return str(client.api.post("/transaction", {"value": 1}).json["id"])


def wait_until_run(client: Holder, queued: str) -> None:
    path = f"/transaction/{queued}"
    wait_until(lambda: client.api.get(path).json["status"] == "completed")


def log_until(worker: subprocess.Popen[str], text: str) -> str:
    """Return the worker's log; the worker is terminated once the text is in it."""
    guard = Timer(DEADLINE_SECONDS, worker.kill)
    guard.start()
    try:
        log = ""
        for line in worker.stderr or ():
            log += line
            if text in line:
                worker.terminate()
        worker.wait(DEADLINE_SECONDS)
    finally:
        guard.cancel()
    assert text in log, log
    return log


def test_it_imports_once_and_then_runs_the_queue(workers: Workers, tmp_path: Path) -> None:
    source = tmp_path / "customers.jsonl"
    source.write_bytes(customer_lines(100))
    client = a_client(holds="10.00")

    for text in ("Imported: 100 customers of 100 lines.", "Nothing to do: "):
        worker = workers.start(WALLET_SERVICE_SEED_URL=str(source), **LOG_LEVEL)
        wait_until(lambda: CustomerImport.objects.filter(state="completed").exists())
        wait_until_run(client, queue(client))
        log = log_until(worker, text)
        assert worker.returncode == 0
        assert log.count(text) == 1
    assert counts(only_run()) == (100, 100, 0)


def test_a_missing_source_logs_one_sentence(workers: Workers, tmp_path: Path) -> None:
    client = a_client(holds="10.00")
    source = tmp_path / "nowhere.jsonl"

    worker = workers.start(WALLET_SERVICE_SEED_URL=str(source))
    wait_until_run(client, queue(client))
    log = log_until(worker, "Not imported")

    [line] = [line for line in log.splitlines() if "import" in line.lower()]
    assert line.endswith(f"Not imported: {source} does not exist.")
    assert worker.returncode == 0
    assert not CustomerImport.objects.exists()


def test_unwritable_rejects_log_one_sentence(workers: Workers, tmp_path: Path) -> None:
    client = a_client(holds="10.00")
    (tmp_path / "file").write_bytes(customer_lines(1) + b"{}\n")
    data_dir = tmp_path / "file" / "data"

    worker = workers.start(
        WALLET_SERVICE_SEED_URL=str(tmp_path / "file"), WALLET_SERVICE_DATA_DIR=str(data_dir)
    )
    wait_until_run(client, queue(client))
    log = log_until(worker, "Not imported")

    [line] = [line for line in log.splitlines() if "import" in line.lower()]
    assert f"Not imported: The rejected lines cannot be written to {data_dir}/rejects/" in line
    assert line.endswith(": Not a directory.")
    assert worker.returncode == 0


@pytest.mark.parametrize("is_killed", [False, True], ids=["terminated", "killed"])
def test_the_next_worker_resumes_a_stopped_import(
    workers: Workers, web: WebSource, is_killed: bool
) -> None:
    # Given an import whose source pauses in the middle
    web.content = customer_lines(LINES)
    web.pause_after = len(web.content) * 3 // 4
    client = a_client(holds="10.00")
    worker = workers.start(WALLET_SERVICE_SEED_URL=web.url)
    wait_until(lambda: CustomerImport.objects.filter(total__gt=0).exists())

    # Then intake accepts, and the processor waits
    queued = queue(client)
    status = client.api.get("/processor/status").json
    assert (status["state"], status["seeding"]["state"]) == ("paused_for_seeding", "running")
    assert 0 < status["seeding"]["processed"] < LINES

    # When the worker ends and another one starts
    if is_killed:
        worker.kill()
    else:
        worker.terminate()
    worker.communicate(timeout=DEADLINE_SECONDS)
    assert worker.returncode == (-9 if is_killed else 0)
    assert client.api.get(f"/transaction/{queued}").json["attempts"] == 0
    web.pause_after = None
    web.resume.set()
    workers.start(WALLET_SERVICE_SEED_URL=web.url)

    # Then each customer is made once, and the queue runs
    wait_until_run(client, queued)
    assert counts(only_run()) == (LINES, LINES, 0)
    assert client.api.get("/processor/status").json["seeding"]["state"] == "completed"
