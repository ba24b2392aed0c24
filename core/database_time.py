"""The database's clock, which all hosts share: what expires is compared with it."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, Func


class CurrentMoment(Func):
    """The moment in a query: later than `now()` after a wait for a lock."""

    function = "current_moment"
    output_field = DateTimeField()


def current_moment() -> datetime:
    """Return the moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_moment()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def moment_in(seconds: int) -> datetime:
    """Return the moment so many seconds from now."""
    return current_moment() + timedelta(seconds=seconds)
