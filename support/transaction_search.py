"""Finding transactions by what somebody quotes to support, at a bounded cost whatever it is.

A wallet has its transactions in order in two indexes, one for each side. Nothing else is indexed
(each index more would slow down every movement of money): a kind, a failure or a request id is
looked for in the newest `LOOKED_AT` transactions, then, on the next page, in those before them.
A request id that the service made says when, and is looked for in that minute alone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from accounts.models import User
from core.ids import time_of_uuid7
from ledger.history import first_id_at
from ledger.models import Transaction
from wallets.models import Wallet

LOOKED_AT = 250_000
#: How long after its id was made a request may still write: longer than any statement may take.
REQUEST_LASTS = timedelta(minutes=2)
#: Several machines, several clocks.
CLOCKS_DIFFER = timedelta(seconds=5)
#: How many wallets of one customer are looked at, the newest ones.
WALLETS = 50


@dataclass(frozen=True, slots=True)
class Query:
    """What a text means: transactions on any of the `sides`, each with an index, that also `fit`.

    `wallets` is the number of wallets that it named, 0 if it was something else.
    """

    sides: tuple[Q, ...]
    fit: Q | None = None
    wallets: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of transactions, newest first, and the id below which to look on; None at the end.

    `is_cut` says that there may be more before that id although this page is not full.
    """

    ids: list[uuid.UUID]
    next_before: uuid.UUID | None
    is_cut: bool = False


def parse_query(text: str, typed_id: uuid.UUID | None) -> Query:
    """Return what was meant: a customer, a wallet, a transaction, else a request id; "" is all."""
    if not text:
        return Query((Q(),))
    customers = Q(pk=typed_id) if typed_id else Q(email=text.lower())
    customer = User.objects.filter(customers).first()
    if customer is not None:
        return _of_wallets(Wallet.objects.filter(owner_id=customer.pk))
    if typed_id and Wallet.objects.filter(pk=typed_id).exists():
        return _of_wallets(Wallet.objects.filter(pk=typed_id))
    if typed_id and Transaction.objects.filter(pk=typed_id).exists():
        return Query((Q(pk=typed_id),))
    return Query((window_of(text) or Q(),), fit=Q(request_id=text))


def window_of(request_id: str) -> Q | None:
    """Return the range of ids among which what a request wrote must be, if its id tells when."""
    moment = time_of_uuid7(request_id)
    if moment is None:
        return None
    earliest, latest = moment - CLOCKS_DIFFER, moment + REQUEST_LASTS
    return Q(pk__gte=first_id_at(earliest), pk__lt=first_id_at(latest))


def find_transactions(
    transactions: QuerySet[Transaction],
    meaning: Query,
    *,
    before: uuid.UUID,
    count: int,
    is_filtered: bool,
) -> Found:
    """Return at most `count` of these transactions that are meant, with ids below `before`.

    With `is_filtered`, `transactions` are not all there are.
    """
    below = Q(pk__lt=before)
    last_looked_at = None
    if is_filtered or meaning.fit is not None:
        last_looked_at = _merged(
            [Transaction.objects.filter(side, below) for side in meaning.sides],
            slice(LOOKED_AT - 1, LOOKED_AT),
        )
    floor = last_looked_at[0] if last_looked_at else None
    if floor is not None:
        below &= Q(pk__gte=floor)
    fit = meaning.fit or Q()
    ids = _merged(
        [transactions.filter(side, below, fit) for side in meaning.sides], slice(count + 1)
    )
    if len(ids) > count:
        return Found(ids[:count], ids[count - 1])
    return Found(ids, floor, is_cut=floor is not None)


def _of_wallets(wallets: QuerySet[Wallet]) -> Query:
    newest = list(wallets.order_by("-created_at").values_list("pk", flat=True)[:WALLETS])
    sides = [side for pk in newest for side in (Q(source_id=pk), Q(target_id=pk))]
    return Query(tuple(sides), wallets=len(newest))


def _merged(sides: Sequence[QuerySet[Transaction]], part: slice) -> list[uuid.UUID]:
    """Return a part of each side's ids, newest first, together.

    Each side is read from the end of its own index. As one condition with OR, PostgreSQL would
    sort a busy wallet's whole life.
    """
    parts = [side.order_by("-pk").values_list("pk", flat=True)[part] for side in sides]
    if not parts:
        return []
    first, *others = parts
    if not others:
        return list(first)
    return list(first.union(*others).order_by("-pk")[: part.stop - (part.start or 0)])
