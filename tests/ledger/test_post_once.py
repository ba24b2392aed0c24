"""The fast way: one order, its key and its answer in one statement, or nothing at all."""

from threading import Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import CommitUnknown
from core.idempotency import Answer, Claim, IdempotencyKeyReused, fingerprint_of
from core.models import IdempotencyRecord
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from harness.waiting import wait_until
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order
from ledger.post_once import AnswerTemplate, post_once
from tests.factories import Holder, a_client, a_company, freeze
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

TEMPLATE = AnswerTemplate('{"balance":%2$s,"transaction":"%3$s"}', decimals=2)


def charge_of(payer: Holder, company: Holder, amount_minor: int = 1_250) -> Order:
    return Order(
        Kind.CHARGE,
        payer.wallet_id,
        company.wallet_id,
        amount_minor,
        asset_id="USD",
        summary="Tea",
        actor_id=company.user.id,
    )


def claim_of(company: Holder, request: str = "a request") -> Claim:
    return Claim(company.user.id, "order-1017", "POST /here", fingerprint_of("POST /here", request))


def state_of(*holders: Holder) -> list[tuple[int | None, int]]:
    return [(holder.wallet.balance_minor, holder.wallet.version) for holder in holders]


def test_money_key_and_answer_take_one_statement() -> None:
    payer, company = a_client(holds="20.00"), a_company()

    with CaptureQueriesContext(connection) as queries:
        answer = post_once(charge_of(payer, company), TEMPLATE, claim_of(company))

    charged = Transaction.objects.get(kind=Kind.CHARGE)
    body = f'{{"balance":12.50,"transaction":"{charged.id}"}}'.encode()
    assert answer == Answer(200, body, charged.id)
    assert len(queries) == 1
    assert (charged.summary, charged.actor_id) == ("Tea", company.user.id)
    assert state_of(payer, company) == [(750, 2), (1_250, 1)]
    record = IdempotencyRecord.objects.get()
    assert (bytes(record.body), record.status_code) == (body, 200)
    assert record.transaction_id == charged.id


@pytest.mark.parametrize(
    ("decimals", "source", "target"),
    [(2, "0.05", "19.95"), (0, "5", "1995"), (8, "0.00000005", "0.00001995")],
)
def test_balances_in_the_answer_are_exact(decimals: int, source: str, target: str) -> None:
    payer, company = a_client(holds="20.00"), a_company()

    answer = post_once(
        charge_of(payer, company, 1_995), AnswerTemplate("%1$s %2$s", decimals), claim=None
    )

    assert answer is not None
    assert answer.body.decode() == f"{source} {target}"


def test_the_answer_has_the_time_of_the_transaction_and_its_own_percent_signs() -> None:
    payer, company = a_client(holds="20.00"), a_company()

    answer = post_once(
        charge_of(payer, company), AnswerTemplate("100 %% %3$s %4$s", decimals=2), claim=None
    )

    charged = Transaction.objects.get(kind=Kind.CHARGE)
    assert answer is not None
    assert answer.body.decode() == f"100 % {charged.id} {rfc3339(charged.created_at)}"


def test_an_order_that_would_fail_is_left_to_the_plain_way() -> None:
    payer, company = a_client(holds="20.00"), a_company()
    frozen = a_client(holds="20.00")
    freeze(frozen)

    answers = [
        post_once(charge_of(payer, company, 2_001), TEMPLATE, claim_of(company)),
        post_once(charge_of(frozen, company, 1), TEMPLATE, claim_of(company)),
    ]

    assert answers == [None, None]
    assert state_of(payer, frozen, company) == [(2_000, 1), (2_000, 1), (0, 0)]
    assert not Transaction.objects.filter(kind=Kind.CHARGE).exists()
    assert not IdempotencyRecord.objects.exists()


def test_a_repeat_gets_the_first_answer_and_another_request_is_refused() -> None:
    payer, company = a_client(holds="20.00"), a_company()
    first = post_once(charge_of(payer, company), TEMPLATE, claim_of(company))
    assert first is not None

    again = post_once(charge_of(payer, company), TEMPLATE, claim_of(company))
    with pytest.raises(IdempotencyKeyReused):
        post_once(charge_of(payer, company), TEMPLATE, claim_of(company, "another request"))

    assert again == Answer(200, first.body, first.transaction_id, replayed=True)
    assert state_of(payer, company) == [(750, 2), (1_250, 1)]


def test_eight_at_once_with_one_key_move_money_once() -> None:
    payer, company = a_client(holds="20.00"), a_company()
    order, claim = charge_of(payer, company, 200), claim_of(company)

    answers = race(8, lambda _: post_once(order, TEMPLATE, claim))

    assert len({answer and answer.body for answer in answers}) == 1
    assert (
        sorted(answer is not None and answer.replayed for answer in answers) == [False] + [True] * 7
    )
    assert state_of(payer, company) == [(1_800, 2), (200, 1)]


def test_it_is_a_unit_of_work_and_not_a_part_of_one() -> None:
    payer, company = a_client(holds="20.00"), a_company()

    with pytest.raises(RuntimeError, match="not inside a unit of work"):
        unit_of_work(lambda: post_once(charge_of(payer, company), TEMPLATE, claim=None))

    assert state_of(payer, company) == [(2_000, 1), (0, 0)]


def test_a_session_that_ends_while_it_waits_leaves_it_open_what_happened() -> None:
    payer, company = a_client(holds="20.00"), a_company()
    raised: list[BaseException] = []

    def charge() -> None:
        try:
            post_once(charge_of(payer, company), TEMPLATE, claim_of(company))
        except CommitUnknown as error:
            raised.append(error)
        finally:
            connection.close()

    thread = Thread(target=charge)

    def hold_the_wallet() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT lock_wallets(%s)", [[payer.wallet_id]])
            thread.start()
            wait_until(lambda: bool(_end_who_waits()))

    unit_of_work(hold_the_wallet)
    thread.join(60)

    assert [type(error) for error in raised] == [CommitUnknown]
    assert state_of(payer, company) == [(2_000, 1), (0, 0)]
    assert post_once(charge_of(payer, company), TEMPLATE, claim_of(company)) is not None


def _end_who_waits() -> list[bool]:
    """End the sessions that wait for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return [row[0] for row in cursor.fetchall()]
