"""The monthly partitions of the transactions, made by a function of the database owner."""

from datetime import date

from django.db import connection

MONTHS_AHEAD = 24
#: The names of all partitions, from the catalogue, which the app's role may read.
EXISTING_PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent = to_regclass('ledger_transaction')"
)


def make_partitions(months: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions that are missing up to `months` from now; return their names.

    The function runs with the rights of the owner (`sql/partitions.sql`) and blocks no transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_transaction_partitions(%s)", [months])
        return [name for (name,) in cursor.fetchall()]


def months_ahead(existing: set[str], today: date) -> int:
    """Return how many months after this one have a partition, up to the first gap.

    -1: this month has none, so no money can move. `existing` are the names of the partitions.
    """
    month = today.year * 12 + today.month - 1
    ahead = -1
    while _name(month + ahead + 1) in existing:
        ahead += 1
    return ahead


def _name(month: int) -> str:
    return f"ledger_transaction_{month // 12}_{month % 12 + 1:02}"
