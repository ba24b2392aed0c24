"""Reading a wallet's history by keyset: page 10,000 costs what page 1 costs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.kinds import Kind
from ledger.models import Entry, Transaction

MIN_ID = uuid.UUID(int=0)
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
    rows = list(
        Entry.objects.raw(
            "SELECT * FROM ledger_history(%s, %s, %s, %s, %s, %s, %s)",
            [
                wallet_id,
                min(cursor or MAX_ID, first_id_at(until) if until else MAX_ID, _end()),
                first_id_at(since) if since else MIN_ID,
                success,
                kind,
                offset,
                limit + 1,
            ],
        )
    )
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
            "SELECT * FROM ledger_newest_transactions(%s::uuid[], %s, %s, %s)",
            [list(wallet_ids), min(before, _end()), completed_only, count],
        )
    )


def _end() -> uuid.UUID:
    """Return an id above all there are: the partitions of later months are not even opened.

    A clock that steps back leaves ids of the future behind, but not of days ahead.
    """
    return first_id_at(datetime.now(UTC) + timedelta(days=2))
