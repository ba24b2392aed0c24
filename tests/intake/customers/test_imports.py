"""Seeding: what is made of a source, and that it is made once."""

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
from intake.customers.imports import Progress, seed
from intake.customers.progress import current_run, latest_run
from intake.models import CustomerImport
from ledger.kinds import Kind
from ledger.models import Transaction
from tests.factories import PHONE, UserFactory, a_client, api_of
from tests.intake.customers.conftest import WebSource
from tests.intake.customers.customers import (
    counts,
    customer,
    customers,
    json_lines,
    only_run,
    rejects_of,
    seeded,
)
from wallets.assets import create_asset, system_wallet_id
from wallets.models import Purpose, Status, Wallet

pytestmark = pytest.mark.usefixtures("books")

TAKEN = f"email: {EmailTaken.message}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "customers.jsonl"


def in_background(location: str) -> threading.Thread:
    def run() -> None:
        try:
            seed(location)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def seed_rows(source: Path, *rows: dict[str, Any] | str) -> CustomerImport:
    source.write_bytes(json_lines(rows))
    seeded(source)
    return latest_run() or pytest.fail("there is no run")


def test_a_line_makes_an_account_a_wallet_and_its_first_deposit(source: Path) -> None:
    seed_rows(source, customer(1, email="Ada@Example.com", balance=12.5, currency="EUR"))

    user = User.objects.get()
    assert (user.email, user.role, user.is_active) == ("ada@example.com", Role.CLIENT, True)
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


def test_a_seeded_customer_is_one_like_any_other(source: Path) -> None:
    seed_rows(source, customer(1, balance="3.50"))
    user = User.objects.get()
    wallet = Wallet.objects.get(owner_id=user.pk)

    reply = api_of(user).post("/wallet/withdraw", {"wallet": str(wallet.id), "amount": "1.25"})

    assert reply.json == {"wallet": str(wallet.id), "balance": Decimal("2.25")}


def test_without_a_balance_the_wallet_is_empty(source: Path) -> None:
    seed_rows(source, customer(1, balance=...), customer(2, balance=0))

    assert [wallet.balance_minor for wallet in Wallet.objects.filter(owner_id__isnull=False)] == [
        0,
        0,
    ]
    assert not Transaction.objects.exists()


def test_broken_lines_are_told_and_cost_nothing_else(source: Path) -> None:
    other = a_client(holds="5.00")
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    broken = '{"email": "ada'
    run = seed_rows(
        source,
        customer(1),
        broken,
        customer(2, phone_number="+1"),
        customer(3, email="CUSTOMER1@example.com"),
        "",
        customer(4, email=other.user.email.upper()),
        customer(5, currency="GOLD"),
        customer(6, last_name="\x00"),
        customer(7),
    )

    assert counts(run) == (9, 2, 7)
    rejects = rejects_of(run)
    assert [reject["line"] for reject in rejects] == [2, 3, 4, 5, 6, 7, 8]
    assert rejects[0]["text"] == broken
    assert rejects[0]["reason"].startswith("Not JSON: Unterminated string")
    assert "phone_number" in rejects[1]["reason"]
    assert [rejects[place]["reason"] for place in (2, 4)] == [TAKEN, TAKEN]
    assert "currency" in rejects[5]["reason"]
    assert set(User.objects.values_list("email", flat=True)) == {
        "customer1@example.com",
        "customer7@example.com",
        other.user.email,
    }
    assert other.balance_minor == 500
    assert Transaction.objects.count() == 3


def test_rejects_that_cannot_be_kept_are_one_sentence(source: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "rejects").touch()
    source.write_bytes(json_lines([customer(1), "{}"]))

    with pytest.raises(CommandError, match=r"cannot be written to .*\.jsonl: ") as refusal:
        seeded(source)

    assert len(str(refusal.value).splitlines()) == 1
    assert not Client.objects.exists()


def test_an_address_twice_is_taken_once_however_far_apart(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 10)
    rows = [customer(number % 25, first_name=f"Number {number}") for number in range(100)]

    run = seed_rows(source, *rows)

    assert counts(run) == (100, 25, 75)
    assert [reject["line"] for reject in rejects_of(run)] == list(range(26, 101))
    assert {reject["reason"] for reject in rejects_of(run)} == {TAKEN}
    # The first of them counts.
    assert {client.first_name for client in Client.objects.all()} == {
        f"Number {number}" for number in range(25)
    }


def test_second_run_says_so_and_does_nothing(source: Path) -> None:
    source.write_bytes(customers(3))
    seeded(source)
    source.touch()

    told = seeded(source)

    assert told == (f"Nothing to do: this version of {source} was seeded already (3 customers).")
    assert counts(only_run()) == (3, 3, 0)
    assert Transaction.objects.count() == 3


def test_changed_source_is_seeded_again(source: Path) -> None:
    seed_rows(source, customer(1), customer(2))

    run = seed_rows(source, customer(1), customer(2), customer(3))

    assert counts(run) == (3, 1, 2)
    assert [reject["reason"] for reject in rejects_of(run)] == [TAKEN, TAKEN]
    assert Client.objects.count() == 3


def test_the_same_in_another_place_is_another_source(source: Path, tmp_path: Path) -> None:
    seed_rows(source, customer(1))

    seeded(source.rename(tmp_path / "moved.jsonl"))

    assert [counts(run) for run in CustomerImport.objects.order_by("pk")] == [(1, 1, 0), (1, 0, 1)]


def test_it_shows_life_from_before_the_first_row_to_the_end(web: WebSource) -> None:
    web.content = customers(10)
    web.shut_after = 0
    seeding = in_background(web.url)
    wait_until(lambda: web.answers > 0)

    opening = current_run()
    assert opening is not None
    assert (opening.source, opening.state, counts(opening)) == (web.url, "running", (0, 0, 0))
    web.gate.set()
    seeding.join()

    assert current_run() is None
    run = latest_run()
    assert run is not None
    assert (run.state, counts(run)) == ("completed", (10, 10, 0))
    assert run.finished_at is not None


def test_its_heart_beats_while_the_source_is_slow(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.heartbeat.BEAT_SECONDS", 0.05)
    web.content = customers(10)
    web.shut_after = 0
    seeding = in_background(web.url)
    wait_until(lambda: current_run() is not None)
    first = only_run().heartbeat_at

    wait_until(lambda: only_run().heartbeat_at > first)

    web.gate.set()
    seeding.join()


def test_a_failed_one_lets_the_processor_go_on_at_once(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 500)
    web.content = customers(5_000)
    web.cut_off_after = len(web.content) - 1_000

    with pytest.raises(CommandError):
        seeded(web.url)

    assert current_run() is None
    assert only_run().state == CustomerImport.State.RUNNING


def test_only_one_at_a_time(web: WebSource, source: Path) -> None:
    source.write_bytes(customers(5))
    web.content = customers(10)
    web.shut_after = 100
    first = in_background(web.url)
    wait_until(lambda: web.answers > 0)

    with pytest.raises(CommandError, match="Another seeding is running"):
        seeded(source)

    web.gate.set()
    first.join()
    assert counts(only_run()) == (10, 10, 0)
    assert seeded(source).startswith("Seeded: 0 customers of 5 lines.")


def test_progress_is_told_at_the_start_and_after_each_batch(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 10)
    source.write_bytes(customers(25))
    told: list[Progress] = []

    seed(str(source), on_progress=told.append)

    assert [progress.counts.total for progress in told] == [0, 10, 20, 25]
    assert {progress.size for progress in told} == {source.stat().st_size}
    assert told[-1].position == source.stat().st_size


def test_a_sign_up_that_comes_first_keeps_the_address(source: Path) -> None:
    """The seeding waits for one in flight, and rejects the line once it commits."""
    source.write_bytes(customers(5))

    def sign_up() -> threading.Thread:
        UserFactory.create(email="customer3@example.com")
        seeding = in_background(str(source))
        wait_until(_somebody_waits)
        return seeding

    unit_of_work(sign_up).join()

    run = only_run()
    assert counts(run) == (5, 4, 1)
    assert [reject["line"] for reject in rejects_of(run)] == [4]
    assert not Client.objects.filter(user__email="customer3@example.com").exists()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        )
        (waiting,) = cursor.fetchone()
    return bool(waiting)
