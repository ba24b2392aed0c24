"""The months that transactions will fall into, made by the owner's function."""

from datetime import date

from django.db import connection

MONTHS_AHEAD = 24
#: The app's role may read the catalogue.
EXISTING = (
    "SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent = to_regclass('ledger_transaction')"
)


def make_partitions(months: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions that are missing up to `months` from now; return their names.

    Whoever calls becomes the owner for it (`sql/partitions.sql`), and blocks nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_transaction_partitions(%s)", [months])
        return [name for (name,) in cursor.fetchall()]


def months_ahead(existing: set[str], today: date) -> int:
    """Return how many months after this one have a partition without a gap.

    -1: this month has none, so no money moves. `existing` are the names of the partitions.
    """
    month = today.year * 12 + today.month - 1
    ahead = -1
    while _name(month + ahead + 1) in existing:
        ahead += 1
    return ahead


def _name(month: int) -> str:
    return f"ledger_transaction_{month // 12}_{month % 12 + 1:02}"
