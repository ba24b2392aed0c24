"""Statements: what a wallet held, what happened to it, what it holds, over a stretch of time."""

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

_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Statement:
    """From `since` (inclusive) to `until` (exclusive). Balances are in minor units."""

    wallet: Wallet
    since: datetime
    until: datetime
    opening_minor: int
    closing_minor: int
    #: No entry of it has a smaller id.
    _ids_from: uuid.UUID
    _opening_version: int
    _closing_version: int
    #: Where it was read, and is read on.
    _alias: str

    def entries(self) -> Iterator[Entry]:
        """Yield the completed entries, oldest first, a chunk in memory at a time.

        They are those between two versions that were read once. Entries never change, so however
        long the reader takes, they lead from the opening to the closing balance, and no
        transaction stays open meanwhile.
        """
        last = self._opening_version
        while last < self._closing_version:
            chunk = replica.read(self._alias, partial(self._entries_after, last))
            # A replica that has restarted since then may show what was before.
            chunk = chunk or self._entries_after(last, DEFAULT_DB_ALIAS)
            yield from chunk
            last = _version(chunk[-1])

    def _entries_after(self, version: int, alias: str) -> list[Entry]:
        return list(
            Entry.objects.using(alias).raw(
                "SELECT * FROM ledger_entries_of_versions(%s, %s, %s, %s, %s)",
                [self.wallet.id, version, self._closing_version, self._ids_from, _CHUNK],
            )
        )


def statement(
    wallet: Wallet, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return the wallet's statement, from its first entry to its newest unless told otherwise.

    Its balances are those that the wallet's newest entry before each moment left behind: newest by
    version, which tells the order even where a clock has stepped back.
    """
    # An entry of a later version has an id from here on: else it would be the opening one itself.
    ids_from = MIN_ID if since is None else first_id_at(since)
    with snapshot():
        opening = None if since is None else _newest_entry(wallet, before=ids_from)
        closing = _newest_entry(wallet, before=MAX_ID if until is None else first_id_at(until))
    return Statement(
        wallet,
        since or wallet.created_at,
        until or datetime.now(UTC),
        opening_minor=_balance(opening),
        closing_minor=_balance(closing),
        _ids_from=ids_from,
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
