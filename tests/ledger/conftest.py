from functools import partial

import psycopg
import pytest

from core.unit_of_work import unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order
from ledger.post import post
from tests.factories import Holder, a_client
from wallets.assets import system_wallet_id
from wallets.models import Purpose

FUNDING = system_wallet_id("USD", Purpose.FUNDING)


@pytest.fixture(params=["current statistics", "outdated statistics"])
def long_history(request: pytest.FixtureRequest, owner_dsn: str) -> Holder:
    """A client with 2,000 entries among others, with current or outdated planner statistics."""
    is_analyzed = request.param == "current statistics"
    long_history, other, third = a_client(), a_client(), a_client()
    orders = [
        Order(Kind.DEPOSIT, FUNDING, long_history.wallet_id, 2, "USD"),
        Order(Kind.TRANSFER, long_history.wallet_id, other.wallet_id, 1, "USD"),
        Order(Kind.TRANSFER, third.wallet_id, other.wallet_id, 10**9, "USD"),
    ]
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE ledger_transaction")
        for _ in range(2):
            unit_of_work(partial(post, orders * 500))
        if is_analyzed:
            owner.execute("ANALYZE ledger_transaction")
    return long_history
