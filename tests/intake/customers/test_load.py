"""Batches that are written at the same time."""

import pytest
from django.db.models.functions import Now

from accounts.models import Client
from intake.customers.batches import TAKEN, Batch
from intake.customers.load import Counts, Loader, Loaders, SeedingOvertaken
from intake.customers.rejects import RejectsFile
from intake.customers.rows import Customer
from intake.models import CustomerImport
from tests.factories import PHONE
from tests.intake.customers.customers import counts, only_run, rejects_of

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def run() -> CustomerImport:
    return CustomerImport.objects.create(source="test", version="1", heartbeat_at=Now())


def a_batch(first: int, *emails: str) -> Batch:
    return Batch(
        first,
        len(emails),
        position=0,
        customers=[Customer(email, "Ada", "Lovelace", PHONE, "USD", 500) for email in emails],
        places=[(first + place, b"") for place in range(1, len(emails) + 1)],
    )


def test_two_that_wait_for_each_other_go_one_after_the_other(
    run: CustomerImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader keeps such batches apart; this is what happens when it cannot."""
    monkeypatch.setattr("intake.customers.load.PATIENCE_SECONDS", 0.5)
    first = a_batch(0, *(f"customer{number}@example.com" for number in range(3_000)))
    second = a_batch(3_000, "customer2999@example.com", "last@example.com")

    with RejectsFile(run.pk) as rejects:
        loaders = Loaders(Loader(run, rejects))
        futures = [loaders.submit(first), loaders.submit(second)]
        loaders.close()

    assert [future.result() for future in futures] == [
        Counts(3_000, 3_000, 0),
        Counts(3_002, 3_001, 1),
    ]
    [reject] = rejects_of(run)
    assert (reject["line"], reject["reason"]) == (3_001, TAKEN)


def test_none_is_written_after_one_that_failed(
    run: CustomerImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = a_batch(0, "a@example.com")
    broken.customers[0] = broken.customers[0]._replace(currency="NONE")

    with RejectsFile(run.pk) as rejects:
        loaders = Loaders(Loader(run, rejects))
        futures = [loaders.submit(broken), loaders.submit(a_batch(1, "b@example.com"))]
        loaders.close()

    for future in futures:
        assert future.exception() is not None
    assert counts(only_run()) == (0, 0, 0)
    assert not Client.objects.exists()


def test_a_run_that_somebody_else_moved_on_is_left_alone(run: CustomerImport) -> None:
    CustomerImport.objects.filter(pk=run.pk).update(total=1, processed=1)

    with RejectsFile(run.pk) as rejects:
        loaders = Loaders(Loader(run, rejects))
        future = loaders.submit(a_batch(0, "a@example.com"))
        loaders.close()

    assert isinstance(future.exception(), SeedingOvertaken)
    assert counts(only_run()) == (1, 1, 0)
    assert not Client.objects.exists()
