"""Statements: opening balance, entries and closing balance of a wallet over a period."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.db import DEFAULT_DB_ALIAS

from core import replica
from core.unit_of_work import snapshot
from ledger.history import MAX_ID, MIN_ID, first_id_at
from ledger.models import Entry
from wallets.models import Wallet

#: So many entries are in memory while a reader takes his time.
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class Statement:
    """From `since` (inclusive) to `until` (exclusive). Balances are in minor units."""

    wallet: Wallet
    since: datetime
    until: datetime
    opening_minor: int
    closing_minor: int
    #: No entry of the statement has a smaller id.
    _first_id: uuid.UUID
    _opening_version: int
    _closing_version: int
    #: The database that the balances were read from; the entries are read from it too.
    _alias: str

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that moved money, oldest first, a batch in memory at a time.

        A hold and a release have versions too, and change no balance. The two versions around the
        entries were read once, and entries never change. So the entries always lead from the
        opening to the closing balance, however long the reader takes, and no database transaction
        stays open in the meantime.
        """
        last = self._opening_version
        while last < self._closing_version:
            batch = replica.read(self._alias, partial(self._entries_after, last))
            # A replica that restarted in the meantime may show an older state.
            batch = batch or self._entries_after(last, DEFAULT_DB_ALIAS)
            yield from (entry for entry in batch if entry.moved_minor != 0)
            last = _version(batch[-1])

    def _entries_after(self, version: int, alias: str) -> list[Entry]:
        return list(
            Entry.objects.using(alias).raw(
                "SELECT * FROM ledger_entries_of_versions(%s, %s, %s, %s, %s)",
                [self.wallet.id, version, self._closing_version, self._first_id, _BATCH_SIZE],
            )
        )


def statement(
    wallet: Wallet, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return the wallet's statement; by default from its first entry to its newest.

    Each balance is that of the wallet's newest entry before the given time: newest by version,
    which is the right order even when a clock has stepped back.
    """
    # Later entries have ids from here on: one with a smaller id would be the opening entry.
    first_id = MIN_ID if since is None else first_id_at(since)
    with snapshot():
        opening = None if since is None else _newest_entry(wallet, before=first_id)
        closing = _newest_entry(wallet, before=MAX_ID if until is None else first_id_at(until))
    return Statement(
        wallet,
        # A period that was named by one end, outside the wallet's time, is empty.
        since or min(wallet.created_at, until or wallet.created_at),
        until or max(datetime.now(UTC), since or wallet.created_at),
        opening_minor=_balance(opening),
        closing_minor=_balance(closing),
        _first_id=first_id,
        _opening_version=_version(opening),
        _closing_version=_version(closing),
        _alias=replica.current_alias(),
    )


def _newest_entry(wallet: Wallet, *, before: uuid.UUID) -> Entry | None:
    found = Entry.objects.raw("SELECT * FROM ledger_newest_entry(%s, %s)", [wallet.id, before])
    return next(iter(found), None)


def _balance(entry: Entry | None) -> int:
    return (entry and entry.balance_after_minor) or 0


def _version(entry: Entry | None) -> int:
    return (entry and entry.version) or 0
