"""What can never succeed is not tried again: of a customer who left, from or to a closed wallet."""

import psycopg
import pytest

from accounts.models import Role
from commerce.customers import remove_customer
from core.unit_of_work import unit_of_work
from intake.models import ProcessorState, QueuedTransaction
from intake.status import processor_status
from ledger.models import Transaction
from ops.collectors.intake import collect_processor, collect_queue
from tests.factories import Holder, UserFactory, a_client, api_of, freeze
from tests.http_client import Api
from tests.intake.queueing import drain, queue
from tests.races import race
from wallets.models import Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def operator() -> Api:
    return api_of(UserFactory.create(role=Role.OPERATOR))


def leave(holder: Holder) -> None:
    assert holder.api.call("DELETE", f"/customer/{holder.user.pk}").status == 204


def close(holder: Holder) -> None:
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.CLOSED, reason="Test", actor=None)
    )


def state_of(operator: Api, queued: str) -> tuple[object, ...]:
    """Return (status, failed, attempts, message, whether it is tried again)."""
    told = operator.get(f"/transaction/{queued}").json
    return (
        told["status"],
        told["failed"],
        told["attempts"],
        told["errorMessage"],
        told["nextAttemptAt"] is not None,
    )


def test_what_is_queued_of_a_customer_ends_when_they_leave(operator: Api) -> None:
    ada, ben = a_client(), a_client()
    tried = queue(operator, 5, customer=str(ada.user.pk))
    drain()
    untried = queue(operator, 5, customer=str(ada.user.pk))
    anothers = queue(operator, 5, customer=str(ben.user.pk))

    leave(ada)

    assert state_of(operator, tried) == ("failed", True, 1, "The customer has left.", False)
    assert state_of(operator, untried) == ("failed", True, 0, "The customer has left.", False)
    assert state_of(operator, anothers) == ("pending", False, 0, None, False)
    status = processor_status()
    assert (status["queued"], status["failed"], status["nextRetryAt"]) == (1, 2, None)
    before = Transaction.objects.count()
    drain()
    assert state_of(operator, untried)[2] == 0
    assert Transaction.objects.filter(source_id=ada.wallet_id).count() == 1
    assert Transaction.objects.count() == before + 1  # that of the other customer
    assert ProcessorState.objects.get().failed == 2


def test_nothing_ends_when_the_customer_may_not_leave(operator: Api) -> None:
    ada = a_client(holds="1.00")
    queued = queue(operator, 5, customer=str(ada.user.pk))

    refused = ada.api.call("DELETE", f"/customer/{ada.user.pk}")

    assert (refused.status, refused.code) == (409, "balance_not_zero")
    assert state_of(operator, queued) == ("pending", False, 0, None, False)
    assert ProcessorState.objects.get().failed == 0


def test_the_processor_ends_what_was_queued_while_the_customer_left(operator: Api) -> None:
    ada = a_client()
    queued = queue(operator, 5, customer=str(ada.user.pk))
    # The deletion saw none of it, as it had not been committed yet
    unit_of_work(lambda: remove_customer(ada.user, actor=ada.user))

    drain()

    assert state_of(operator, queued) == ("failed", True, 1, "The customer has left.", False)
    assert not Transaction.objects.exists()
    state = ProcessorState.objects.get()
    assert (state.failed, state.attempt_totals) == (1, {"spend USD customer_left": [1, 500]})


def test_a_closed_wallet_ends_it_at_once(operator: Api) -> None:
    ada, ben = a_client(holds="9.00"), a_client()
    queued = queue(operator, 5, customer=str(ada.user.pk), target=str(ben.wallet_id))
    close(ben)

    drain()

    message = "A wallet is frozen or closed."
    assert state_of(operator, queued) == ("failed", True, 1, message, False)
    assert ada.balance_minor == 900


def test_a_frozen_wallet_may_thaw(operator: Api) -> None:
    ada = a_client(holds="9.00")
    freeze(ada)
    queued = queue(operator, 5, customer=str(ada.user.pk))

    drain()

    message = "A wallet is frozen or closed."
    assert state_of(operator, queued) == ("pending", True, 1, message, True)


def test_the_counts_of_a_chunk_and_of_a_customer_who_leaves_add_up(operator: Api) -> None:
    leaving = [a_client() for _ in range(4)]
    for holder in leaving:
        for _ in range(3):
            queue(operator, 5, customer=str(holder.user.pk))

    def act(number: int) -> None:
        if number == 0:
            drain()
        else:
            leave(leaving[number - 1])

    race(5, act)
    drain()

    ended = QueuedTransaction.objects.filter(status="failed").count()
    assert ProcessorState.objects.get().failed == ended
    # Tried before the deletion, or not at all: none waits for another attempt
    assert not QueuedTransaction.objects.filter(status="pending").exists()


def test_metrics_count_what_ended(operator: Api, owner_dsn: str) -> None:
    ada = a_client()
    queue(operator, 5, customer=str(ada.user.pk))

    leave(ada)

    with psycopg.connect(owner_dsn) as owner, owner.cursor() as cursor:
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for collect in (collect_queue, collect_processor)
            for metric in collect(cursor)
            for sample in metric.samples
        }
    assert samples["wallet_queue_transactions", "ready"] == 0
    assert samples["wallet_queue_given_up_total",] == 1
