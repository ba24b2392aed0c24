"""Batches that are written concurrently."""

import pytest
from django.db.models.functions import Now

from accounts.models import Client
from intake.customers.batches import EMAIL_TAKEN, Batch
from intake.customers.load import Counts, ImportOvertaken, Loader, LoaderPool
from intake.customers.rejects import RejectsFile
from intake.customers.rows import Customer
from intake.models import CustomerImport
from tests.factories import PHONE
from tests.intake.customers.customers import counts, only_run, read_rejects
from wallets.models import Wallet

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def run() -> CustomerImport:
    return CustomerImport.objects.create(source="test", version="1", heartbeat_at=Now())


def a_batch(skipped: int, *emails: str) -> Batch:
    return Batch(
        skipped,
        len(emails),
        position=0,
        customers=[Customer(email, "Ada", "Lovelace", PHONE, "USD", 500) for email in emails],
        customer_lines=[(skipped + number, b"") for number in range(1, len(emails) + 1)],
    )


def test_two_batches_that_wait_for_each_other_are_written_in_turn(
    run: CustomerImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`read_batches` avoids such batches; this is the case that it cannot see."""
    monkeypatch.setattr("intake.customers.load.PREVIOUS_BATCH_TIMEOUT_SECONDS", 0.5)
    first = a_batch(0, *(f"customer{number}@example.com" for number in range(3_000)))
    second = a_batch(3_000, "customer2999@example.com", "last@example.com")

    with RejectsFile(run.pk) as rejects:
        loader_pool = LoaderPool(Loader(run, rejects))
        futures = [loader_pool.submit(first), loader_pool.submit(second)]
        loader_pool.close()

    assert [future.result() for future in futures] == [
        Counts(3_000, 3_000, 0),
        Counts(3_002, 3_001, 1),
    ]
    [reject] = read_rejects(run)
    assert (reject["line"], reject["reason"]) == (3_001, EMAIL_TAKEN)


def test_a_name_of_a_wallet_tells_no_other_name(run: CustomerImport) -> None:
    with RejectsFile(run.pk) as rejects:
        Loader(run, rejects).load(a_batch(0, *(f"{n}@example.com" for n in range(100))), None)

    names = [
        str(name)
        for names in Wallet.objects.filter(owner__isnull=False).values_list("id", "address")
        for name in names
    ]
    assert len(names) == 200
    # The 72 random bits of each are its own, and tokens and addresses begin differently
    assert len({name[15:18] + name[20:] for name in names}) == 200
    assert len({name[:8] for name in names}) == 2


def test_no_batch_is_written_after_one_that_failed(
    run: CustomerImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = a_batch(0, "a@example.com")
    broken.customers[0] = broken.customers[0]._replace(currency="NONE")

    with RejectsFile(run.pk) as rejects:
        loader_pool = LoaderPool(Loader(run, rejects))
        futures = [loader_pool.submit(broken), loader_pool.submit(a_batch(1, "b@example.com"))]
        loader_pool.close()

    for future in futures:
        assert future.exception() is not None
    assert counts(only_run()) == (0, 0, 0)
    assert not Client.objects.exists()


def test_a_run_that_another_process_advanced_is_not_written_to(run: CustomerImport) -> None:
    CustomerImport.objects.filter(pk=run.pk).update(total=1, processed=1)

    with RejectsFile(run.pk) as rejects:
        loader_pool = LoaderPool(Loader(run, rejects))
        future = loader_pool.submit(a_batch(0, "a@example.com"))
        loader_pool.close()

    assert isinstance(future.exception(), ImportOvertaken)
    assert counts(only_run()) == (1, 1, 0)
    assert not Client.objects.exists()
