"""Importing customers: what a source creates, and that it is created once."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.core.management import CommandError
from django.db import connection

from accounts.errors import EmailTaken
from accounts.models import Client, Role, User
from core.unit_of_work import unit_of_work
from harness.waiting import wait_until
from intake.customers.imports import Progress, import_customers
from intake.customers.progress import current_import_run, latest_import_run
from intake.models import CustomerImport
from ledger.kinds import Kind
from ledger.models import Transaction
from tests.factories import PHONE, UserFactory, a_client, api_of
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import (
    counts,
    customer,
    customer_lines,
    json_lines,
    only_run,
    read_rejects,
    run_import,
)
from wallets.assets import create_asset, system_wallet_id
from wallets.models import Purpose, Status, Wallet

pytestmark = pytest.mark.usefixtures("books")

EMAIL_TAKEN = f"email: {EmailTaken.message}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "customers.jsonl"


def import_in_background(location: str) -> threading.Thread:
    def run() -> None:
        try:
            import_customers(location)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def import_rows(source: Path, *rows: dict[str, Any] | str) -> CustomerImport:
    source.write_bytes(json_lines(rows))
    run_import(source)
    return latest_import_run() or pytest.fail("there is no run")


def test_a_line_makes_an_account_a_wallet_and_its_first_deposit(source: Path) -> None:
    import_rows(source, customer(1, email="Ada@Example.com", balance=12.5, currency="EUR"))

    user = User.objects.get()
    assert (user.email, user.role, user.is_active) == ("ada@example.com", Role.CLIENT, True)
    assert user.is_imported
    assert not is_password_usable(user.password)
    client = Client.objects.get(user=user)
    assert (client.first_name, client.last_name) == ("Ada", "Lovelace")
    assert client.phone_number.as_e164 == PHONE
    wallet = Wallet.objects.get(owner_id=user.pk)
    assert (wallet.asset_id, wallet.slot, wallet.status) == ("EUR", 1, Status.ACTIVE)
    assert (wallet.balance_minor, wallet.version) == (1_250, 1)
    deposit = Transaction.objects.get()
    assert (deposit.kind, deposit.amount_minor, deposit.summary) == (
        Kind.DEPOSIT,
        1_250,
        "Opening balance",
    )
    assert (deposit.source_id, deposit.target_id) == (
        system_wallet_id("EUR", Purpose.FUNDING),
        wallet.id,
    )


def test_an_imported_customer_can_withdraw(source: Path) -> None:
    import_rows(source, customer(1, balance="3.50"))
    user = User.objects.get()
    wallet = Wallet.objects.get(owner_id=user.pk)

    reply = api_of(user).post("/wallet/withdraw", {"wallet": str(wallet.id), "amount": "1.25"})

    assert reply.json == {"wallet": str(wallet.id), "balance": Decimal("2.25")}


def test_without_a_balance_the_wallet_is_empty(source: Path) -> None:
    import_rows(source, customer(1, balance=...), customer(2, balance=0))

    assert [wallet.balance_minor for wallet in Wallet.objects.filter(owner_id__isnull=False)] == [
        0,
        0,
    ]
    assert not Transaction.objects.exists()


def test_invalid_lines_are_rejected_and_the_others_are_imported(source: Path) -> None:
    other = a_client(holds="5.00")
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    invalid = '{"email": "ada'
    run = import_rows(
        source,
        customer(1),
        invalid,
        customer(2, phone_number="+1"),
        customer(3, email="CUSTOMER1@example.com"),
        "",
        customer(4, email=other.user.email.upper()),
        customer(5, currency="GOLD"),
        customer(6, last_name="\x00"),
        customer(7),
    )

    # The blank line is a line, and neither a customer nor rejected.
    assert counts(run) == (9, 2, 6)
    rejects = read_rejects(run)
    assert [reject["line"] for reject in rejects] == [2, 3, 4, 6, 7, 8]
    assert rejects[0]["text"] == invalid
    assert rejects[0]["reason"].startswith("Not JSON: Unterminated string")
    assert "phone_number" in rejects[1]["reason"]
    assert [rejects[place]["reason"] for place in (2, 3)] == [EMAIL_TAKEN, EMAIL_TAKEN]
    assert "currency" in rejects[4]["reason"]
    assert set(User.objects.values_list("email", flat=True)) == {
        "customer1@example.com",
        "customer7@example.com",
        other.user.email,
    }
    assert other.balance_minor == 500
    assert Transaction.objects.count() == 3


def test_unwritable_rejects_are_refused_in_one_sentence(source: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "rejects").touch()
    source.write_bytes(json_lines([customer(1), "{}"]))

    with pytest.raises(CommandError, match=r"cannot be written to .*\.jsonl: ") as refusal:
        run_import(source)

    assert len(str(refusal.value).splitlines()) == 1
    assert not Client.objects.exists()


def test_a_repeated_address_is_imported_once_however_far_apart(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 10)
    rows = [customer(number % 25, first_name=f"Number {number}") for number in range(100)]

    run = import_rows(source, *rows)

    assert counts(run) == (100, 25, 75)
    assert [reject["line"] for reject in read_rejects(run)] == list(range(26, 101))
    assert {reject["reason"] for reject in read_rejects(run)} == {EMAIL_TAKEN}
    # Of equal addresses the first line is imported.
    assert {client.first_name for client in Client.objects.all()} == {
        f"Number {number}" for number in range(25)
    }


def test_the_same_version_is_imported_once(source: Path) -> None:
    source.write_bytes(customer_lines(3))
    run_import(source)
    source.touch()

    output = run_import(source)

    assert output == f"Nothing to do: this version of {source} was imported already (3 customers)."
    assert counts(only_run()) == (3, 3, 0)
    assert Transaction.objects.count() == 3


def test_seed_customers_is_an_alias(source: Path) -> None:
    source.write_bytes(customer_lines(3))

    output = run_import(source, command="seed_customers")

    assert output == "Imported: 3 customers of 3 lines."


def test_a_changed_source_is_imported_again(source: Path) -> None:
    import_rows(source, customer(1), customer(2))

    run = import_rows(source, customer(1), customer(2), customer(3))

    assert counts(run) == (3, 1, 2)
    assert [reject["reason"] for reject in read_rejects(run)] == [EMAIL_TAKEN, EMAIL_TAKEN]
    assert Client.objects.count() == 3


def test_the_same_file_at_another_path_is_another_source(source: Path, tmp_path: Path) -> None:
    import_rows(source, customer(1))

    run_import(source.rename(tmp_path / "moved.jsonl"))

    assert [counts(run) for run in CustomerImport.objects.order_by("pk")] == [(1, 1, 0), (1, 0, 1)]


def test_the_heartbeat_is_recent_from_before_the_first_line_to_the_end(web: WebSource) -> None:
    web.content = customer_lines(10)
    web.pause_after = 0
    importing = import_in_background(web.url)
    wait_until(lambda: web.answers > 0)

    opening = current_import_run()
    assert opening is not None
    assert (opening.source, opening.state, counts(opening)) == (web.url, "running", (0, 0, 0))
    web.resume.set()
    importing.join()

    assert current_import_run() is None
    run = latest_import_run()
    assert run is not None
    assert (run.state, counts(run)) == ("completed", (10, 10, 0))
    assert run.finished_at is not None


def test_the_heartbeat_is_updated_while_the_source_is_slow(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.heartbeat.HEARTBEAT_SECONDS", 0.05)
    web.content = customer_lines(10)
    web.pause_after = 0
    importing = import_in_background(web.url)
    wait_until(lambda: current_import_run() is not None)
    first = only_run().heartbeat_at

    wait_until(lambda: only_run().heartbeat_at > first)

    web.resume.set()
    importing.join()


def test_a_failed_import_releases_the_processor_immediately(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 500)
    web.content = customer_lines(5_000)
    web.cut_off_after = len(web.content) - 1_000

    with pytest.raises(CommandError):
        run_import(web.url)

    assert current_import_run() is None
    assert only_run().state == CustomerImport.State.RUNNING


def test_only_one_import_runs_at_a_time(web: WebSource, source: Path) -> None:
    source.write_bytes(customer_lines(5))
    web.content = customer_lines(10)
    web.pause_after = 100
    first = import_in_background(web.url)
    wait_until(lambda: web.answers > 0)

    with pytest.raises(CommandError, match="Another import is running"):
        run_import(source)

    web.resume.set()
    first.join()
    assert counts(only_run()) == (10, 10, 0)
    assert run_import(source).startswith("Imported: 0 customers of 5 lines.")


def test_progress_is_reported_at_the_start_and_after_each_batch(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 10)
    source.write_bytes(customer_lines(25))
    reported: list[Progress] = []

    import_customers(str(source), on_progress=reported.append)

    assert [progress.counts.total for progress in reported] == [0, 10, 20, 25]
    assert {progress.size for progress in reported} == {source.stat().st_size}
    assert reported[-1].position == source.stat().st_size


def test_an_address_of_an_uncommitted_sign_up_is_rejected(source: Path) -> None:
    """The import waits for the sign-up, and rejects the line when it has committed."""
    source.write_bytes(customer_lines(5))

    def sign_up_and_import() -> threading.Thread:
        UserFactory.create(email="customer3@example.com")
        importing = import_in_background(str(source))
        wait_until(_a_session_waits_for_a_row)
        return importing

    unit_of_work(sign_up_and_import).join()

    run = only_run()
    assert counts(run) == (5, 4, 1)
    assert [reject["line"] for reject in read_rejects(run)] == [4]
    assert not Client.objects.filter(user__email="customer3@example.com").exists()


def _a_session_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        )
        (waiting,) = cursor.fetchone()
    return bool(waiting)
