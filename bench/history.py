"""The history of a wallet with a million entries, beside that of one with ten."""

from datetime import UTC, datetime
from uuid import UUID

from accounts.models import Role, User
from bench.actors import callers, empty_wallets
from bench.backfill import Backfill
from bench.calls import Service
from bench.rows import Row
from commerce.cash import order_deposit
from commerce.movements import move
from core.unit_of_work import unit_of_work
from harness.actors import Actor
from harness.installation import Installation
from ledger.history import history

PAGE = 10
DEEP_PAGE = 1_000
PAYERS = 1_000
_TEN = 10
_DAYS = 20


def rows(service: Service, entries: int) -> list[Row]:
    """Return the pages: the same number of entries on each, by one caller at a time."""
    busy = _busy_company(service.installation, entries)
    quiet = _quiet_client()
    depth = min(DEEP_PAGE, entries // PAGE // 2) - 1
    cursor = history(busy.wallet, limit=PAGE, offset=(depth - 1) * PAGE).next_cursor
    first, deep = f"/wallet/history/{{wallet}}?limit={PAGE}", f"&cursor={cursor}"
    name = f"history, {entries:,} entries"
    return [
        service.row_of_pages("history.ten", f"history, {_TEN} entries", first, [quiet]),
        service.row_of_pages("history.first", f"{name}: first page", first, [busy]),
        service.row_of_pages("history.deep", f"{name}: page {depth + 1:,}", first + deep, [busy]),
    ]


def _busy_company(installation: Installation, entries: int) -> Actor:
    """Return a company with so many entries of the last weeks."""
    [company] = callers(Role.COMPANY, 1)
    payers = empty_wallets(Role.CLIENT, min(PAYERS, entries // 10))
    with Backfill(installation.data_dir, payers, [company.wallet]) as backfill:
        backfill.write(entries // len(payers), until=datetime.now(UTC), days=_DAYS)
    return company


def _quiet_client() -> Actor:
    [client] = callers(Role.CLIENT, 1)
    owner = User.objects.get(pk=client.id)
    for _ in range(_TEN):
        unit_of_work(lambda: deposit(owner, client.wallet))
    return client


def deposit(owner: User, wallet_id: UUID) -> None:
    """Put 1.00 into the owner's wallet."""
    move(order_deposit(owner, wallet_id=wallet_id, amount="1.00"), owner)
