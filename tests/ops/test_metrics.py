"""`/metrics` of a server with several workers: each scrape contains the sums over all of them."""

import signal
from pathlib import Path

import psutil
import pytest
import requests

from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.metrics import Samples

pytestmark = pytest.mark.slow
# Not `/status`, which the service itself calls until it answers.
HEALTH = {"route": "api/v1/health", "method": "GET", "status": "200"}


def scrape(installation: Installation) -> Samples:
    reply = requests.get(f"{installation.url}/metrics", timeout=DEADLINE_SECONDS)
    assert reply.status_code == 200
    return Samples(reply.text)


def call_health(installation: Installation, times: int) -> None:
    """Call `/api/v1/health` on connections of their own, so that no worker gets them all."""
    for _ in range(times):
        assert requests.get(f"{installation.url}/api/v1/health", timeout=5).status_code == 200


def test_a_scrape_covers_all_workers_also_after_one_dies(installation: Installation) -> None:
    # Given a server with two workers that answered
    service, _ = installation.serve()
    wait_until(lambda: scrape(installation)("wallet_workers") == 2)
    [server] = [p for p in psutil.Process(service.pid).children() if "gunicorn" in p.cmdline()]
    before = scrape(installation)("wallet_http_requests_total", **HEALTH) or 0

    # When different workers answer the scrapes, then all return the same
    call_health(installation, 20)
    counts = {scrape(installation)("wallet_http_requests_total", **HEALTH) for _ in range(8)}
    assert counts == {before + 20}

    # And when one dies, its counts stay, and a new worker replaces it
    [victim, _] = server.children()
    victim.send_signal(signal.SIGKILL)
    wait_until(lambda: victim not in server.children() and len(server.children()) == 2)
    wait_until(lambda: scrape(installation)("wallet_workers") == 2)
    call_health(installation, 5)
    after = scrape(installation)
    assert after("wallet_http_requests_total", **HEALTH) == before + 25
    assert (after("wallet_worker_memory_bytes") or 0) > 10_000_000

    # And the figures of their pools are added up
    def pools() -> float | None:
        requests.get(f"{installation.url}/api/v1/health", timeout=DEADLINE_SECONDS)
        return scrape(installation)("wallet_pool_connections", database="default", state="max")

    wait_until(lambda: pools() == 12)

    # And a stop deletes the files
    [directory] = directories_of(server)
    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0
    assert not directory.exists()


def directories_of(server: psutil.Process) -> set[Path]:
    """Return the directories of the workers' metrics files, which they have open."""
    return {
        Path(mapped.path).parent
        for worker in server.children()
        for mapped in worker.memory_maps()
        if mapped.path.endswith(".db")
    }
