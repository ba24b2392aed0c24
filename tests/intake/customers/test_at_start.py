"""The seeding that a worker does at its start."""

import subprocess
from pathlib import Path
from threading import Timer

import pytest

from harness.waiting import DEADLINE_SECONDS, wait_until
from intake.models import CustomerImport
from tests.factories import Holder, a_client
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import counts, customers, only_run
from tests.processes import Workers

pytestmark = pytest.mark.slow

LOUD = {"WALLET_SERVICE_LOG_LEVEL": "info"}
LINES = 12_000


def queue(client: Holder) -> str:
    return str(client.api.post("/transaction", {"value": 1}).json["id"])


def wait_until_run(client: Holder, queued: str) -> None:
    path = f"/transaction/{queued}"
    wait_until(lambda: client.api.get(path).json["status"] == "completed")


def log_of(worker: subprocess.Popen[str], told: str) -> str:
    """Return what the worker logs; it is asked to end as soon as it has told that."""
    guard = Timer(DEADLINE_SECONDS, worker.kill)
    guard.start()
    try:
        log = ""
        for line in worker.stderr or ():
            log += line
            if told in line:
                worker.terminate()
        worker.wait(DEADLINE_SECONDS)
    finally:
        guard.cancel()
    assert told in log, log
    return log


def test_it_seeds_once_and_then_runs_the_queue(workers: Workers, tmp_path: Path) -> None:
    source = tmp_path / "customers.jsonl"
    source.write_bytes(customers(100))
    client = a_client(holds="10.00")

    for told in ("Seeded: 100 customers of 100 lines.", "Nothing to do: "):
        worker = workers.start(WALLET_SERVICE_SEED_URL=str(source), **LOUD)
        wait_until(lambda: CustomerImport.objects.filter(state="completed").exists())
        wait_until_run(client, queue(client))
        log = log_of(worker, told)
        assert worker.returncode == 0
        assert log.count(told) == 1
    assert counts(only_run()) == (100, 100, 0)


def test_a_source_that_does_not_exist_is_one_sentence(workers: Workers, tmp_path: Path) -> None:
    client = a_client(holds="10.00")
    source = tmp_path / "nowhere.jsonl"

    worker = workers.start(WALLET_SERVICE_SEED_URL=str(source))
    wait_until_run(client, queue(client))
    log = log_of(worker, "Not seeded")

    [line] = [line for line in log.splitlines() if "seed" in line.lower()]
    assert line.endswith(f"Not seeded: {source} does not exist.")
    assert worker.returncode == 0
    assert not CustomerImport.objects.exists()


def test_rejects_that_cannot_be_kept_are_one_sentence(workers: Workers, tmp_path: Path) -> None:
    client = a_client(holds="10.00")
    (tmp_path / "file").write_bytes(customers(1) + b"{}\n")
    data_dir = tmp_path / "file" / "data"

    worker = workers.start(
        WALLET_SERVICE_SEED_URL=str(tmp_path / "file"), WALLET_SERVICE_DATA_DIR=str(data_dir)
    )
    wait_until_run(client, queue(client))
    log = log_of(worker, "Not seeded")

    [line] = [line for line in log.splitlines() if "seed" in line.lower()]
    assert f"Not seeded: The rejected lines cannot be written to {data_dir}/rejects/" in line
    assert line.endswith(": Not a directory.")
    assert worker.returncode == 0


@pytest.mark.parametrize("is_killed", [False, True], ids=["terminated", "killed"])
def test_stopped_in_the_middle_the_next_worker_goes_on(
    workers: Workers, web: WebSource, is_killed: bool
) -> None:
    # Given a source that stalls in the middle
    web.content = customers(LINES)
    web.shut_after = len(web.content) * 3 // 4
    client = a_client(holds="10.00")
    worker = workers.start(WALLET_SERVICE_SEED_URL=web.url)
    wait_until(lambda: CustomerImport.objects.filter(total__gt=0).exists())

    # Then intake goes on, and execution waits
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
    web.shut_after = None
    web.gate.set()
    workers.start(WALLET_SERVICE_SEED_URL=web.url)

    # Then each customer is made once, and the queue runs
    wait_until_run(client, queued)
    assert counts(only_run()) == (LINES, LINES, 0)
    assert client.api.get("/processor/status").json["seeding"]["state"] == "completed"
