"""Statements: what a wallet held, what happened to it, what it holds, over a stretch of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

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

    def entries(self) -> Iterator[Entry]:
        """Yield the completed entries, oldest first, a chunk in memory at a time.

        They are those between two versions that were read once. Entries never change, so however
        long the reader takes, they lead from the opening to the closing balance, and no
        transaction stays open meanwhile.
        """
        last = first_id_at(self.since)
        while True:
            chunk = list(
                Entry.objects.filter(
                    wallet_id=self.wallet.id,
                    transaction_id__gte=last,
                    transaction_id__lt=first_id_at(self.until),
                    version__gt=self._opening_version,
                    version__lte=self._closing_version,
                ).order_by("transaction_id")[: _CHUNK + 1]
            )
            yield from chunk[:_CHUNK]
            if len(chunk) <= _CHUNK:
                return
            last = chunk[_CHUNK].transaction_id


def statement(wallet: Wallet, *, since: datetime, until: datetime) -> Statement:
    """Return the wallet's statement. Its balances are those of the ledger at the two moments."""
    closing = _last_entry_before(wallet, until)
    opening = _last_entry_before(wallet, min(since, until))
    return Statement(
        wallet,
        since,
        until,
        opening_minor=_balance(opening),
        closing_minor=_balance(closing),
        _opening_version=_version(opening),
        _closing_version=_version(closing),
    )


def _last_entry_before(wallet: Wallet, moment: datetime) -> Entry | None:
    return (
        Entry.objects.filter(
            wallet_id=wallet.id,
            transaction_id__lt=first_id_at(moment),
            failure_code__isnull=True,
        )
        .order_by("-transaction_id")
        .first()
    )


def _balance(entry: Entry | None) -> int:
    return (entry and entry.balance_after_minor) or 0


def _version(entry: Entry | None) -> int:
    return (entry and entry.version) or 0
