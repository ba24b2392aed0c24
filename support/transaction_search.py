"""The search of the transaction list in the admin, at a bounded cost.

Two indexes hold the transactions of a wallet in order, one for the source and one for the target.
There are no others, because each further index would slow down every movement of money. A kind, a
failure or a request id is therefore searched for in the newest `TRANSACTIONS_SCANNED` transactions;
the next page searches those before them. A request id that the service generated is a UUIDv7: its
time limits the search to the ids of `MAX_REQUEST_DURATION`.
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

#: How many transactions one page searches where no index helps.
TRANSACTIONS_SCANNED = 250_000
#: How long after the generation of its id a request may write: longer than any statement timeout.
MAX_REQUEST_DURATION = timedelta(minutes=2)
#: By how much the clocks of several machines may differ.
CLOCK_SKEW = timedelta(seconds=5)
#: How many wallets of one customer are searched, the newest ones.
MAX_WALLETS = 50


#: How many transactions of one group a page shows: as many as a group may have, or more.
GROUP_SHOWN = 50


@dataclass(frozen=True, slots=True)
class TransactionQuery:
    """A parsed query: the transactions that meet one of the `conditions` and also the `filter`.

    An index serves each condition. `wallet_count` is the number of wallets that are searched, 0
    when the query names neither a customer nor a wallet.
    """

    conditions: tuple[Q, ...]
    filter: Q | None = None
    wallet_count: int = 0


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Ids of transactions, newest first. The next page is below `next_before`; None: no more.

    `is_truncated`: the scan limit was reached before the page was full.
    """

    ids: list[uuid.UUID]
    next_before: uuid.UUID | None
    is_truncated: bool = False


def parse_query(text: str, typed_id: uuid.UUID | None) -> TransactionQuery:
    """Return the query for a customer, a wallet or a transaction, else for a request id.

    An empty text selects all transactions.
    """
    if not text:
        return TransactionQuery((Q(),))
    customers = User.objects.filter(pk=typed_id) if typed_id else User.objects.with_email(text)
    customer = customers.first()
    if customer is not None:
        return _wallet_query(Wallet.objects.filter(owner_id=customer.pk))
    wallets = Wallet.objects.filter(Q(pk=typed_id) | Q(address=typed_id))
    if typed_id and wallets.exists():
        return _wallet_query(wallets)
    if typed_id and Transaction.objects.filter(pk=typed_id).exists():
        return TransactionQuery((Q(pk=typed_id),))
    return TransactionQuery((request_id_range(text) or Q(),), filter=Q(request_id=text))


def request_id_range(request_id: str) -> Q | None:
    """Return the range of ids of the rows that a request may have written.

    None for a request id without a time.
    """
    moment = time_of_uuid7(request_id)
    if moment is None:
        return None
    earliest, latest = moment - CLOCK_SKEW, moment + MAX_REQUEST_DURATION
    return Q(pk__gte=first_id_at(earliest), pk__lt=first_id_at(latest))


def find_transactions(
    transactions: QuerySet[Transaction],
    query: TransactionQuery,
    *,
    before: uuid.UUID,
    count: int,
    is_filtered: bool,
) -> SearchPage:
    """Return at most `count` of `transactions` that match the query, with ids below `before`.

    `is_filtered`: `transactions` is already a selection, for which no index may exist.
    """
    below = Q(pk__lt=before)
    last_scanned = None
    if is_filtered or query.filter is not None:
        last_scanned = _merge(
            [Transaction.objects.filter(condition, below) for condition in query.conditions],
            slice(TRANSACTIONS_SCANNED - 1, TRANSACTIONS_SCANNED),
        )
    lowest_id = last_scanned[0] if last_scanned else None
    if lowest_id is not None:
        below &= Q(pk__gte=lowest_id)
    matching = query.filter or Q()
    ids = _merge(
        [transactions.filter(condition, below, matching) for condition in query.conditions],
        slice(count + 1),
    )
    if len(ids) > count:
        return SearchPage(ids[:count], ids[count - 1])
    return SearchPage(ids, lowest_id, is_truncated=lowest_id is not None)


def _wallet_query(wallets: QuerySet[Wallet]) -> TransactionQuery:
    newest = list(wallets.order_by("-created_at").values_list("pk", flat=True)[:MAX_WALLETS])
    conditions = [each for pk in newest for each in (Q(source_id=pk), Q(target_id=pk))]
    return TransactionQuery(tuple(conditions), wallet_count=len(newest))


def _merge(querysets: Sequence[QuerySet[Transaction]], part: slice) -> list[uuid.UUID]:
    """Return the same part of each queryset's ids, merged, newest first.

    PostgreSQL reads each queryset from the end of its own index. With a single OR condition it
    would sort all transactions of a busy wallet.
    """
    parts = [each.order_by("-pk").values_list("pk", flat=True)[part] for each in querysets]
    if not parts:
        return []
    first, *others = parts
    if not others:
        return list(first)
    return list(first.union(*others).order_by("-pk")[: part.stop - (part.start or 0)])


def others_of_group(transaction: Transaction) -> list[Transaction]:
    """Return what happened together with a transaction, or not at all, in the order it happened.

    All ids of a group are made in one call, so that a short range of them is searched.
    """
    made_at = time_of_uuid7(str(transaction.pk))
    if transaction.group_id is None or made_at is None:
        return []
    near = Transaction.objects.filter(
        pk__gte=first_id_at(made_at - CLOCK_SKEW),
        pk__lt=first_id_at(made_at + CLOCK_SKEW),
        group_id=transaction.group_id,
    )
    return list(near.exclude(pk=transaction.pk).order_by("pk")[:GROUP_SHOWN])
