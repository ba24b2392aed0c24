"""Expired holds: their release is written down by a job when nothing else does it."""

from threading import Event, Thread

import pytest
from django.db import connection

from core.unit_of_work import unit_of_work
from harness.waiting import wait_until
from ledger.hold_expiry import release_expired, release_until
from ledger.kinds import Kind
from ledger.models import Hold, HoldStatus, Transaction
from tests.clock import Clock
from tests.factories import a_client, a_company, freeze
from tests.ledger.holds import capture_hold, place_hold
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")


def releases() -> int:
    return Transaction.objects.filter(kind=Kind.RELEASE).count()


def test_each_expired_hold_gets_its_release_frozen_wallets_too(clock: Clock) -> None:
    company = a_company()
    payers = [a_client(holds="10.00") for _ in range(3)]
    for payer in payers:
        place_hold(payer, company, 400, seconds=60)
        place_hold(payer, company, 100, seconds=60)
    later = place_hold(payers[0], company, 300, seconds=600)
    freeze(payers[2])
    clock.move(61)

    released = unit_of_work(release_expired)

    assert (released, unit_of_work(release_expired), releases()) == (6, 0, 6)
    assert [payer.wallet.version for payer in payers] == [6, 5, 5]
    assert set(Hold.objects.exclude(pk=later.pk).values_list("status", flat=True)) == {
        HoldStatus.EXPIRED
    }
    first = payers[0].wallet
    assert (first.held_minor, first.next_expiry) == (300, later.expires_at)


def test_two_at_once_release_each_once(clock: Clock) -> None:
    company, payer = a_company(), a_client(holds="10.00")
    for _ in range(20):
        place_hold(payer, company, 10, seconds=60)
    clock.move(61)

    released = race(4, lambda _: unit_of_work(release_expired))

    assert (sum(released), releases()) == (20, 20)


def test_what_was_captured_in_time_has_nothing_to_release(clock: Clock) -> None:
    company, payer = a_company(), a_client(holds="10.00")
    hold = place_hold(payer, company, 400, seconds=60)
    capture_hold(hold)
    clock.move(61)

    assert unit_of_work(release_expired) == 0
    assert Hold.objects.get().status == HoldStatus.CAPTURED
    assert company.balance_minor == 400


def test_a_worker_does_it_until_it_is_stopped(clock: Clock) -> None:
    company, payer = a_company(), a_client(holds="10.00")
    place_hold(payer, company, 400, seconds=60)
    clock.move(61)
    stop = Event()

    def work() -> None:
        release_until(stop)
        connection.close()

    worker = Thread(target=work)

    worker.start()
    try:
        wait_until(lambda: releases() == 1)
    finally:
        stop.set()
        worker.join()

    assert payer.wallet.held_minor == 0
