"""The processor when a host's clock is wrong: only the database's clock decides."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from harness.waiting import wait_until
from intake.models import ProcessorState, QueuedTransaction, QueueStatus
from intake.processor import Processor
from intake.status import processor_status
from tests.factories import a_client
from tests.intake.queueing import drain, queue

pytestmark = pytest.mark.usefixtures("books")


@pytest.mark.parametrize("clock_error", [timedelta(days=1), timedelta(days=-1)])
def test_a_dead_processor_with_a_wrong_clock_is_taken_over(
    clock_error: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a processor whose host's clock is a day off, which runs a chunk and then dies
    client = a_client(holds="1000.00")
    first, second = Processor(), Processor()
    queue(client.api)
    true_now = timezone.now
    with monkeypatch.context() as host:
        host.setattr(timezone, "now", lambda: true_now() + clock_error)
        assert first.step()
    queue(client.api)
    assert not second.step()

    # When its heartbeat is too old
    wait_until(second.step)

    # Then another one has taken over
    assert client.balance_minor == 99_800


@pytest.mark.parametrize("clock_error", [timedelta(days=1), timedelta(days=-1)])
def test_a_wrong_clock_does_not_change_when_retries_are_due(
    clock_error: timedelta, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    # Given two transactions that lacked balance, of which one is due
    settings.RETRY_SECONDS = 60
    client = a_client(holds="0.50")
    waiting, due = queue(client.api), queue(client.api)
    drain()
    QueuedTransaction.objects.filter(pk=due).update(next_attempt_at=timezone.now())

    # When the processor's clock is a day off
    true_now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: true_now() + clock_error)
    drain()

    # Then only what is due by the database's clock was tried again
    attempts = dict(QueuedTransaction.objects.values_list("pk", "attempts"))
    assert {str(pk): count for pk, count in attempts.items()} == {waiting: 1, due: 2}


@pytest.mark.parametrize(
    ("clock_error", "max_wait_seconds", "runs_first"),
    [(timedelta(days=1), 3_600, "valuable"), (timedelta(days=-1), 0, "old")],
)
def test_a_wrong_clock_does_not_change_what_is_overdue(
    clock_error: timedelta,
    max_wait_seconds: int,
    runs_first: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    # Given two transactions of which one fits into a chunk; both are overdue or neither is
    settings.CHUNK_LATENCY_MS = 10
    settings.MAX_WAIT_SECONDS = max_wait_seconds
    client = a_client(holds="1000.00")
    queued = {
        "old": queue(client.api, 1, latency=10),
        "valuable": queue(client.api, 900, latency=10),
    }
    newest = QueuedTransaction.objects.get(pk=queued["valuable"])
    wait_until(lambda: timezone.now() > newest.created_at + timedelta(milliseconds=1))

    # When the processor's clock is a day off
    true_now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: true_now() + clock_error)
    Processor().step()

    # Then the one runs that is next by the database's clock
    completed = QueuedTransaction.objects.get(status=QueueStatus.COMPLETED)
    assert str(completed.pk) == queued[runs_first]


@pytest.mark.parametrize("clock_error", [timedelta(days=1), timedelta(days=-1)])
def test_a_wrong_clock_does_not_change_the_processors_state(
    clock_error: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a processor with a recent heartbeat
    Processor().step()

    # When the state is read by a process whose clock is a day off
    true_now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: true_now() + clock_error)
    recent = processor_status()["state"]
    ProcessorState.objects.update(heartbeat_at=Now() - timedelta(seconds=60))
    old = processor_status()["state"]

    # Then it is the state by the database's clock
    assert (recent, old) == ("idle", "stopped")
