"""The cost of a query: how many rows of the ledger PostgreSQL reads for it."""

from collections.abc import Callable

from django.db.backends.utils import CursorWrapper

from core.unit_of_work import snapshot


def count_rows_read(read: Callable[[], object]) -> int:
    """Return how many rows of the ledger PostgreSQL fetched during `read`."""
    with snapshot() as cursor:
        before = _rows_fetched(cursor)
        read()
        return _rows_fetched(cursor) - before


def _rows_fetched(cursor: CursorWrapper) -> int:
    cursor.execute(
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
        " FROM pg_stat_xact_user_tables WHERE relname LIKE 'ledger_transaction%'"
    )
    return int(cursor.fetchone()[0])
