"""`ledger.post` without HTTP, in a process of a pool: `python -m bench.posting SIZE THREADS`.

SIZE is how many transfers a unit of work has, or `once`: each transfer is one statement.
"""

import random
import sys
import uuid
from collections.abc import Sequence

import django

from bench.worker_pool import Work, serve

ONCE = "once"


def main(size: str, threads: int) -> None:
    """Post transfers between random wallets."""
    django.setup()
    from wallets.models import Wallet

    payers = list(
        Wallet.objects.filter(owner_role="client", balance_minor__gt=10**9).values_list(
            "id", flat=True
        )
    )
    serve(lambda: _posting(payers, size), threads=threads)


def _posting(payers: Sequence[uuid.UUID], size: str) -> Work:
    from core.unit_of_work import unit_of_work
    from ledger.kinds import Kind
    from ledger.orders import Order
    from ledger.post import post
    from ledger.post_once import AnswerTemplate, post_once
    from wallets.assets import DEFAULT_CURRENCY

    chance = random.Random()
    template = AnswerTemplate("%1$s %3$s", decimals=2)
    transfers = 1 if size == ONCE else int(size)

    def is_refused(orders: Sequence[Order]) -> bool:
        if size == ONCE:
            return post_once(orders[0], template, claim=None) is None
        return any(outcome.failure for outcome in unit_of_work(lambda: post(orders)))

    def work() -> int:
        drawn = (chance.sample(payers, 2) for _ in range(transfers))
        orders = [
            Order(Kind.TRANSFER, source, target, 1, DEFAULT_CURRENCY) for source, target in drawn
        ]
        if is_refused(orders):
            raise RuntimeError("A transfer was refused.")
        return transfers

    return work


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
