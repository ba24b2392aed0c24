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

WORLD = system_wallet_id("USD", Purpose.FUNDING)


@pytest.fixture(params=["planner knows", "planner does not know"])
def old(request: pytest.FixtureRequest, owner_dsn: str) -> Holder:
    """A client with 2,000 entries among 3,000 of others, which the planner may not know of yet."""
    knows = request.param == "planner knows"
    old, other, third = a_client(), a_client(), a_client()
    orders = [
        Order(Kind.DEPOSIT, WORLD, old.wallet_id, 2, "USD"),
        Order(Kind.TRANSFER, old.wallet_id, other.wallet_id, 1, "USD"),
        Order(Kind.TRANSFER, third.wallet_id, other.wallet_id, 10**9, "USD"),
    ]
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE ledger_transaction")
        for _ in range(2):
            unit_of_work(partial(post, orders * 500))
        if knows:
            owner.execute("ANALYZE ledger_transaction")
    return old
