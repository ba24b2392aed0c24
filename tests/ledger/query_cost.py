"""What a read costs PostgreSQL: how many rows of the ledger it has to look at."""

from collections.abc import Callable

from django.db.backends.utils import CursorWrapper

from core.unit_of_work import snapshot


def count_rows_read(read: Callable[[], object]) -> int:
    """Return how many rows of the ledger PostgreSQL fetched for what `read` does."""
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
