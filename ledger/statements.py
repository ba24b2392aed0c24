"""Statements: what a wallet held, what happened to it, what it holds, over a stretch of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from core import replica
from core.unit_of_work import snapshot
from ledger.history import first_id_at
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
            yield from chunk
            last = _version(chunk[-1])

    def _entries_after(self, version: int, alias: str) -> list[Entry]:
        entries = Entry.objects.using(alias).filter(
            wallet_id=self.wallet.id, version__gt=version, version__lte=self._closing_version
        )
        return list(entries.order_by("version")[:_CHUNK])


def statement(
    wallet: Wallet, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return the wallet's statement, from its first entry to its newest unless told otherwise.

    Its balances are those that the wallet's newest entry before each moment left behind: newest by
    version, which tells the order even where a clock has stepped back.
    """
    with snapshot():
        opening = None if since is None else _last_entry_before(wallet, since)
        closing = _last_entry_before(wallet, until)
    return Statement(
        wallet,
        since or wallet.created_at,
        until or datetime.now(UTC),
        opening_minor=_balance(opening),
        closing_minor=_balance(closing),
        _opening_version=_version(opening),
        _closing_version=_version(closing),
        _alias=replica.current_alias(),
    )


def _last_entry_before(wallet: Wallet, moment: datetime | None) -> Entry | None:
    entries = Entry.objects.filter(wallet_id=wallet.id, version__isnull=False)
    if moment is not None:
        entries = entries.filter(transaction_id__lt=first_id_at(moment))
    return entries.order_by("-version").first()


def _balance(entry: Entry | None) -> int:
    return (entry and entry.balance_after_minor) or 0


def _version(entry: Entry | None) -> int:
    return (entry and entry.version) or 0
