"""`ledger.post` without HTTP, in a process of a crew: `python -m bench.posting SIZE THREADS`."""

import random
import sys
import uuid
from collections.abc import Sequence

import django

from bench.crew import Work, serve


def main(size: int, threads: int) -> None:
    """Post transfers between random wallets, `size` in each unit of work."""
    django.setup()
    from wallets.models import Wallet

    payers = list(
        Wallet.objects.filter(owner_role="client", balance_minor__gt=10**9).values_list(
            "id", flat=True
        )
    )
    serve(lambda: _posting(payers, size), threads=threads)


def _posting(payers: Sequence[uuid.UUID], size: int) -> Work:
    from core.unit_of_work import unit_of_work
    from ledger.kinds import Kind
    from ledger.post import Order, post
    from wallets.assets import DEFAULT_CURRENCY

    chance = random.Random()

    def work() -> int:
        drawn = (chance.sample(payers, 2) for _ in range(size))
        orders = [
            Order(Kind.TRANSFER, source, target, 1, DEFAULT_CURRENCY) for source, target in drawn
        ]
        outcomes = unit_of_work(lambda: post(orders))
        if any(outcome.failure for outcome in outcomes):
            raise RuntimeError("A transfer was refused: what is measured is not what was meant.")
        return size

    return work


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
