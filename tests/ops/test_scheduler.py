"""Scheduled jobs: run once by any worker, retried after its death, and reported by the doctor."""

import io
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.utils import timezone
from knox.models import AuthToken
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinatePeriodicDefer
from procrastinate.exceptions import AlreadyEnqueued

from commerce.models import PaymentRequest
from core.counters import TABLE, CounterCache
from core.models import IdempotencyRecord
from harness.waiting import DEADLINE_SECONDS, wait_until
from intake.models import QueuedTransaction
from ledger.models import Verification
from ops.scheduler import overview
from tests.clock import Clock
from tests.factories import a_client, a_company
from tests.jobs import run_jobs
from tests.processes import Workers
from wallets.models import Approval, PayToken

pytestmark = pytest.mark.usefixtures("books")

JOBS = {"clean_up", "make_partitions", "retry_transactions", "sweep_jobs", "verify_ledger"}
LONG_AGO = timezone.now() - timedelta(days=400)


@pytest.fixture(autouse=True)
def no_periodic_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers of this process run only the jobs that a test defers."""
    monkeypatch.setitem(app.periodic_defaults, "max_delay", 0)


def run(name: str) -> str:
    """Defer a job and run all jobs; return its final status."""
    job_id = app.tasks[name].defer(timestamp=0)
    run_jobs()
    return str(ProcrastinateJob.objects.get(pk=job_id).status)


def succeeded() -> list[str]:
    done = ProcrastinateJob.objects.filter(status="succeeded")
    return sorted(done.values_list("task_name", flat=True))


def execute(owner_dsn: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(owner_dsn) as owner:
        cursor = owner.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def test_two_workers_run_each_job_once(workers: Workers) -> None:
    both = [workers.start(), workers.start()]

    wait_until(lambda: set(succeeded()) == JOBS and overview().workers == 2)
    for worker in both:
        worker.terminate()
    outputs = [worker.communicate(timeout=DEADLINE_SECONDS) for worker in both]

    assert [worker.returncode for worker in both] == [0, 0], outputs
    runs = ProcrastinateJob.objects.values_list("task_name", "args", "status", "attempts")
    assert len({(name, args["timestamp"]) for name, args, _, _ in runs}) == len(runs)
    assert {(status, attempts) for _, _, status, attempts in runs} == {("succeeded", 1)}
    assert ProcrastinatePeriodicDefer.objects.count() == len(JOBS)


def test_only_expired_rows_are_deleted() -> None:
    client = a_client()
    client.api.post("/wallet/create", {"currency": "EUR"}, key="kept")
    client.api.post("/wallet/create", {"currency": "EUR"}, key="old")
    IdempotencyRecord.objects.filter(key="old").update(created_at=LONG_AGO)
    tokens = AuthToken.objects.count()
    AuthToken.objects.create(user=client.user)
    AuthToken.objects.filter(pk=AuthToken.objects.latest("created").pk).update(expiry=LONG_AGO)
    Session.objects.create(session_key="old", expire_date=LONG_AGO)
    Session.objects.create(session_key="kept", expire_date=timezone.now() + timedelta(days=1))
    CounterCache(TABLE, {}).add_up_to("old", 1, most=1, timeout=-1)

    assert run("clean_up") == "succeeded"

    assert [record.key for record in IdempotencyRecord.objects.all()] == ["kept"]
    assert [session.session_key for session in Session.objects.all()] == ["kept"]
    assert AuthToken.objects.count() == tokens
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_counter WHERE expires_at < now()")
        assert cursor.fetchall() == [(0,)]


def test_a_pay_token_is_kept_for_as_long_as_its_creation_can_be_repeated(owner_dsn: str) -> None:
    payer = a_client()
    asked = {"wallet": str(payer.wallet_id)}
    made = {key: payer.api.post("/paytokens", asked, key=key).json for key in ("old", "kept")}
    days_ago = timezone.now() - timedelta(days=settings.IDEMPOTENCY_DAYS)
    for key, minutes in (("old", -1), ("kept", 1)):
        expired_at = days_ago + timedelta(minutes=minutes)
        statement = "UPDATE wallets_paytoken SET expires_at = %s WHERE id = %s"
        execute(owner_dsn, statement, expired_at, made[key]["id"])

    assert run("clean_up") == "succeeded"

    assert [str(row.pk) for row in PayToken.objects.all()] == [made["kept"]["id"]]
    assert payer.api.post("/paytokens", asked, key="kept").json == made["kept"]


def test_approvals_and_payment_requests_stay_for_good(clock: Clock) -> None:
    payer, company = a_client(), a_company()
    approval = Approval.objects.create(
        wallet=payer.wallet, company=company.user, expires_at=LONG_AGO, ended_at=LONG_AGO
    )
    clock.move(-401 * 86_400)
    asked = PaymentRequest.objects.create(
        payee=company.user, wallet=company.wallet, summary="Tea", expires_at=LONG_AGO
    )
    clock.move(0)

    assert run("clean_up") == "succeeded"

    assert Approval.objects.filter(pk=approval.pk).exists()
    assert PaymentRequest.objects.filter(pk=asked.pk).exists()


def test_rows_are_deleted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.retention.BATCH_ROWS", 2)
    for number in range(5):
        Session.objects.create(session_key=f"old{number}", expire_date=LONG_AGO)
    printed = io.StringIO()

    call_command("clean_up", stdout=printed)

    assert "5 sessions" in printed.getvalue()
    assert not Session.objects.exists()


def test_a_missing_partition_is_created(owner_dsn: str) -> None:
    newest = (
        "SELECT max(inhrelid::regclass::text) FROM pg_inherits"
        " WHERE inhparent = 'ledger_transaction'::regclass"
    )
    [(name,)] = execute(owner_dsn, newest)
    execute(owner_dsn, f"ALTER TABLE ledger_transaction DETACH PARTITION {name}")
    execute(owner_dsn, f"DROP TABLE {name}")

    assert run("make_partitions") == "succeeded"

    assert execute(owner_dsn, newest) == [(name,)]


def test_due_retries_are_made_ready(caplog: pytest.LogCaptureFixture) -> None:
    client = a_client()
    client.api.post("/transaction", [{"value": 1}] * 3)
    due, later, _ = QueuedTransaction.objects.order_by("id").values_list("pk", flat=True)
    QueuedTransaction.objects.filter(pk=due).update(next_attempt_at=LONG_AGO)
    in_an_hour = timezone.now() + timedelta(hours=1)
    QueuedTransaction.objects.filter(pk=later).update(next_attempt_at=in_an_hour)

    assert run("retry_transactions") == "succeeded"

    waiting = QueuedTransaction.objects.filter(next_attempt_at__isnull=False)
    assert [queued.pk for queued in waiting] == [later]
    assert "1 retries were due" in caplog.text


def test_a_stopped_verification_is_started_again_by_the_next_worker(
    owner_dsn: str, workers: Workers
) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("LOCK TABLE wallets_wallet IN ACCESS EXCLUSIVE MODE")
        worker = workers.start()
        wait_until(lambda: is_waited_for(owner_dsn, "wallets_wallet"))
        # Some minutes of an hour the worker has just enqueued it itself.
        with suppress(AlreadyEnqueued):
            app.tasks["clean_up"].defer(timestamp=0)
        cleanings = ProcrastinateJob.objects.filter(task_name="clean_up", status="succeeded")
        wait_until(cleanings.exists)
        verifying = ProcrastinateJob.objects.get(task_name="verify_ledger")
        worker.terminate()
        # The lock is still held, so the statement would never end.
        _, errors = worker.communicate(timeout=DEADLINE_SECONDS)

    assert (worker.returncode, errors) == (0, "")
    assert verifying.status == "doing"
    assert not Verification.objects.exists()
    assert status_of(verifying.pk) == "todo"

    run_jobs()

    assert status_of(verifying.pk) == "succeeded"
    assert Verification.objects.count() == 1


def is_waited_for(owner_dsn: str, table: str) -> bool:
    """Return whether a session waits for a lock on the table."""
    waiting = "SELECT pid FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
    return bool(execute(owner_dsn, waiting, table))


def test_the_app_role_cannot_rewrite_job_events() -> None:
    app.tasks["clean_up"].defer(timestamp=0)
    for change in (
        "UPDATE procrastinate_events SET at = NULL",
        "DELETE FROM procrastinate_events",
    ):
        with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="denied"):
            cursor.execute(change)


# --- Workers that die ---------------------------------------------------------------------


def doctor() -> str:
    """Return the doctor's line about the jobs."""
    printed = io.StringIO()
    with suppress(SystemExit):
        call_command("doctor", stdout=printed)
    [line] = [line for line in printed.getvalue().splitlines() if " jobs: " in line]
    return line


def stalled_job(name: str, *, attempts: int = 0) -> int:
    """Create a job whose worker died while running it."""
    job_id = app.tasks[name].defer(timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', attempts = %s WHERE id = %s",
            [attempts, job_id],
        )
    return job_id


def status_of(job_id: int) -> str:
    return str(ProcrastinateJob.objects.get(pk=job_id).status)


def test_a_stalled_job_is_retried() -> None:
    stalled = stalled_job("clean_up")
    assert doctor().startswith("WRONG  jobs: clean_up stalled, as the worker died")

    run("sweep_jobs")

    assert status_of(stalled) == "succeeded"
    assert doctor().startswith("ok     jobs: none failed")


def test_a_job_that_stalls_repeatedly_fails() -> None:
    stalled = stalled_job("clean_up", attempts=2)

    run("sweep_jobs")

    assert status_of(stalled) == "failed"
    assert doctor() == FAILED.format("clean_up (1)")


FAILED = "WRONG  jobs: failed, and none since has made up for it: {}; see the worker's log"


def started(name: str, **arguments: object) -> int:
    """Create a job that runs now."""
    job_id = app.tasks[name].defer(**arguments)
    end(job_id, "doing")
    return job_id


def end(job_id: int, status: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, job_id])


def test_a_failure_counts_though_a_job_with_a_higher_id_has_succeeded() -> None:
    early, later = (started("sweep_jobs", timestamp=0) for _ in range(2))

    end(later, "succeeded")
    end(early, "failed")
    failed = doctor()
    end(started("sweep_jobs", timestamp=0), "succeeded")

    assert failed == FAILED.format("sweep_jobs (1)")
    assert doctor().startswith("ok     jobs: none failed")


def test_a_mail_that_was_not_sent_is_not_made_up_for_by_another_one() -> None:
    for status in ("failed", "failed", "succeeded"):
        end(started("send_password_reset", user_id="1017"), status)

    assert doctor() == FAILED.format("send_password_reset (2)")


def test_a_stalled_job_is_aborted_when_the_next_one_is_queued() -> None:
    stalled = stalled_job("clean_up")
    waiting = app.tasks["clean_up"].defer(timestamp=1)

    run("sweep_jobs")

    assert (status_of(stalled), status_of(waiting)) == ("aborted", "succeeded")


def test_a_stalled_sweep_does_not_block_the_next_one() -> None:
    stalled = stalled_job("sweep_jobs")

    assert run("sweep_jobs") == "succeeded"
    assert status_of(stalled) == "succeeded"


def test_jobs_that_ended_long_ago_are_deleted(owner_dsn: str) -> None:
    old, young = app.tasks["clean_up"].defer(timestamp=0), 0
    run("make_partitions")
    young = app.tasks["clean_up"].defer(timestamp=1)
    run("make_partitions")
    execute(
        owner_dsn,
        "UPDATE procrastinate_events SET at = now() - interval '8 days' WHERE job_id = %s",
        old,
    )

    run("sweep_jobs")

    kept = ProcrastinateJob.objects.values_list("pk", flat=True)
    assert old not in kept
    assert young in kept


def test_a_worker_survives_the_loss_of_its_connections(workers: Workers) -> None:
    worker = workers.start(PGAPPNAME="the worker")
    wait_until(lambda: set(succeeded()) == JOBS)
    client = a_client(holds="10.00")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'the worker' AND datname = current_database()"
        )
        ended = cursor.fetchall()
    queued = client.api.post("/transaction", {"value": 1}).json["id"]
    job_id = app.tasks["clean_up"].defer(timestamp=0)

    assert len(ended) >= 2
    wait_until(lambda: client.api.get(f"/transaction/{queued}").json["status"] == "completed")
    wait_until(lambda: status_of(job_id) == "succeeded")
    worker.terminate()
    worker.communicate(timeout=DEADLINE_SECONDS)
    assert worker.returncode == 0


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("FUNCTION", "procrastinate_fetch_job_v2", "The scheduler"),
        ("TABLE", "intake_processorstate", "The processor"),
    ],
)
def test_a_worker_ends_when_one_of_its_services_ends(
    owner_dsn: str, workers: Workers, kind: str, name: str, part: str
) -> None:
    execute(owner_dsn, f"ALTER {kind} {name} RENAME TO hidden")
    try:
        worker = workers.start()
        _, errors = worker.communicate(timeout=DEADLINE_SECONDS)
    finally:
        execute(owner_dsn, f"ALTER {kind} hidden RENAME TO {name}")

    assert worker.returncode == 1
    assert errors.splitlines()[-1] == f"CommandError: {part} ended by itself."
