"""How an answer names the wallets of other people: by their address, which can only be paid into.

A wallet's token is a credential. It is shown to its owner, to operators, and to a company in what
it charged by that token.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

from accounts.models import Role, User
from ledger.kinds import RULES, Kind
from ledger.models import Entry, Transaction
from wallets.references import wallet_refs

_ENTRIES_AT_ONCE = 1_000


class WalletNames:
    """What the caller may call each of these wallets. At most one query."""

    def __init__(self, caller: User, wallet_ids: Iterable[UUID]) -> None:
        self._caller = caller
        self._sees_all = caller.role == Role.OPERATOR
        self._refs = {} if self._sees_all else wallet_refs(wallet_ids)

    def of(self, wallet_id: UUID, *, charged_by: UUID | None = None) -> UUID:
        """Return the wallet's token or its address.

        `charged_by`: the wallet of the company that used its token, if one did.
        """
        shows_token = (
            self._sees_all
            or self._owns(wallet_id)
            or (charged_by is not None and self._owns(charged_by))
        )
        return wallet_id if shows_token else self._refs[wallet_id].address

    def source(self, entry: Entry) -> UUID | None:
        """Return what to call the wallet that the money left; None for a system wallet."""
        source, target = entry.source_token, entry.target_token
        return source and self.of(
            source, charged_by=target if was_charged(entry, "source") else None
        )

    def target(self, entry: Entry) -> UUID | None:
        """Return what to call the wallet that the money entered; None for a system wallet."""
        source, target = entry.source_token, entry.target_token
        return target and self.of(
            target, charged_by=source if was_charged(entry, "target") else None
        )

    def _owns(self, wallet_id: UUID) -> bool:
        return self._refs[wallet_id].owner_id == self._caller.pk


def was_charged(moved: Entry | Transaction, side: str) -> bool:
    """Whether this side, `source` or `target`, is a payer who was charged by the wallet's token."""
    return moved.by_token and RULES[Kind(moved.kind)].payer == side


def names_in(caller: User, entries: Iterable[Entry]) -> WalletNames:
    """Return the names of the wallets of entries."""
    tokens = {token for each in entries for token in (each.source_token, each.target_token)}
    return WalletNames(caller, (token for token in tokens if token is not None))


def with_names(caller: User, entries: Iterable[Entry]) -> Iterator[tuple[Entry, WalletNames]]:
    """Yield each entry with the names of its wallets, which are read for a thousand at once."""
    remaining = iter(entries)
    while batch := list(islice(remaining, _ENTRIES_AT_ONCE)):
        names = names_in(caller, batch)
        for entry in batch:
            yield entry, names
