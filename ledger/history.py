"""Reading a wallet's history by keyset: page 10,000 costs what page 1 costs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from ledger.kinds import Kind
from ledger.models import Entry, Transaction

MAX_ID = uuid.UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first. `next_cursor` is None on the last page."""

    entries: list[Entry]
    next_cursor: uuid.UUID | None


def history(
    wallet_id: uuid.UUID,
    *,
    limit: int,
    offset: int = 0,
    cursor: uuid.UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    success: bool | None = None,
    kind: Kind | None = None,
) -> Page:
    """Return a page of the wallet's entries, failed attempts included.

    `since` is inclusive, `until` exclusive. `cursor` is the `next_cursor` of the page before;
    it costs the same at any depth, `offset` reads what it skips.
    """
    entries: QuerySet[Entry] = Entry.objects.filter(wallet_id=wallet_id)
    before = min(cursor or MAX_ID, first_id_at(until) if until else MAX_ID)
    entries = entries.filter(transaction_id__lt=before)
    if since is not None:
        entries = entries.filter(transaction_id__gte=first_id_at(since))
    if success is not None:
        entries = entries.filter(failure_code__isnull=success)
    if kind is not None:
        entries = entries.filter(kind=kind)
    rows = list(entries.order_by("-transaction_id")[offset : offset + limit + 1])
    page = rows[:limit]
    return Page(page, page[-1].transaction_id if len(rows) > limit else None)


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the smallest id of a moment: transactions made from then on are not below it."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80)


def transactions_of(
    wallet_ids: Sequence[uuid.UUID],
    *,
    count: int,
    before: uuid.UUID = MAX_ID,
    completed_only: bool = False,
) -> list[Transaction]:
    """Return the `count` newest transactions of several wallets, below the id `before`.

    Takes the newest of each wallet's sides, then merges: the cost does not grow with their past.
    """
    return list(
        Transaction.objects.raw(
            _NEWEST_OF_EACH_SIDE,
            {
                "wallets": list(wallet_ids),
                "before": before,
                "count": count,
                "any_outcome": not completed_only,
            },
        )
    )


_NEWEST_OF_EACH_SIDE = """
    SELECT DISTINCT ON (t.id) t.*
      FROM unnest(%(wallets)s::uuid[]) AS w (id)
     CROSS JOIN LATERAL (
          (SELECT * FROM ledger_transaction
            WHERE source_id = w.id AND id < %(before)s
              AND (failure_code IS NULL OR %(any_outcome)s)
            ORDER BY id DESC LIMIT %(count)s)
          UNION ALL
          (SELECT * FROM ledger_transaction
            WHERE target_id = w.id AND id < %(before)s
              AND (failure_code IS NULL OR %(any_outcome)s)
            ORDER BY id DESC LIMIT %(count)s)
     ) AS t
     ORDER BY t.id DESC LIMIT %(count)s
"""
