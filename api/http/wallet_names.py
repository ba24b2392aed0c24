"""How an answer names the wallets of other people: by their address, which can only be paid into.

A wallet's token is a credential. It is shown to its owner, to operators, and to a company in what
it charged by that token.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal
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

    def of(self, wallet_id: UUID, *, is_known: bool = False) -> UUID:
        """Return the wallet's token or its address. `is_known`: the caller used its token."""
        if self._sees_all or is_known:
            return wallet_id
        ref = self._refs[wallet_id]
        return wallet_id if ref.owner_id == self._caller.pk else ref.address

    def source(self, entry: Entry) -> UUID | None:
        """Return what to call the wallet that the money left; None for a system wallet."""
        return self._side(entry, entry.source_token, "source")

    def target(self, entry: Entry) -> UUID | None:
        """Return what to call the wallet that the money entered; None for a system wallet."""
        return self._side(entry, entry.target_token, "target")

    def _side(
        self, entry: Entry, wallet_id: UUID | None, side: Literal["source", "target"]
    ) -> UUID | None:
        if wallet_id is None:
            return None
        return self.of(wallet_id, is_known=is_known_to_company(entry, side))


def is_known_to_company(moved: Entry | Transaction, side: Literal["source", "target"]) -> bool:
    """Whether this side is a payer whose token the company on the other side used."""
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
