"""The months that transactions will fall into, made by the owner's function."""

from django.db import connection

MONTHS_AHEAD = 24


def make_partitions(months: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions that are missing up to `months` from now; return their names.

    Whoever calls becomes the owner for it (`sql/partitions.sql`), and blocks nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_transaction_partitions(%s)", [months])
        return [name for (name,) in cursor.fetchall()]
