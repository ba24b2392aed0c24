"""A wallet's history, with keyset pagination: page 10,000 costs as much as page 1."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.kinds import Kind
from ledger.models import Entry, Transaction

MIN_ID = uuid.UUID(int=0)
MAX_ID = uuid.UUID(int=2**128 - 1)

#: So many entries of a whole history are in memory while a reader takes his time.
_PAGE_SIZE = 200


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

    A hold and a release are no entries of the company's.

    `since` is inclusive, `until` exclusive. `cursor` is the `next_cursor` of the previous page and
    costs the same at any depth; `offset` reads the rows that it skips.
    """
    rows = list(
        Entry.objects.raw(
            "SELECT * FROM ledger_history(%s, %s, %s, %s, %s, %s, %s)",
            [
                wallet_id,
                min(cursor or MAX_ID, first_id_at(until) if until else MAX_ID, _upper_bound()),
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


def whole_history(wallet_id: uuid.UUID) -> Iterator[Entry]:
    """Yield all of the wallet's entries, newest first, failed attempts included.

    A page is in memory at a time, and between two pages no database connection is in use. What
    happens after the first page was read is left out.
    """
    page = history(wallet_id, limit=_PAGE_SIZE)
    yield from page.entries
    while page.next_cursor is not None:
        page = history(wallet_id, limit=_PAGE_SIZE, cursor=page.next_cursor)
        yield from page.entries


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of a time: no transaction made from then on has a smaller id."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80)


def transactions_of(
    wallet_ids: Sequence[uuid.UUID],
    *,
    count: int,
    before: uuid.UUID = MAX_ID,
    moved_only: bool = False,
) -> list[Transaction]:
    """Return the `count` newest transactions of several wallets, below the id `before`.

    A hold and a release are the payer's alone. `moved_only` leaves them out, and what failed.

    Reads the newest on each side of each wallet, then merges: the cost does not grow with the past.
    """
    return list(
        Transaction.objects.raw(
            "SELECT * FROM ledger_newest_transactions(%s::uuid[], %s, %s, %s)",
            [list(wallet_ids), min(before, _upper_bound()), moved_only, count],
        )
    )


def _upper_bound() -> uuid.UUID:
    """Return an id above all existing ones, so that the partitions of later months are not opened.

    A clock that stepped back may have left ids of the future, but of less than two days ahead.
    """
    return first_id_at(datetime.now(UTC) + timedelta(days=2))
