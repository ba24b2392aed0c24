"""Times in requests and answers: RFC 3339."""

import re
from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


# An hour ends at 23 and a minute at 59, those of an offset too; Python is laxer in some versions.
_HOUR_MINUTE = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_RFC3339 = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ]{_HOUR_MINUTE}:[0-5][0-9](\.[0-9]{{1,9}})?"
    rf"([Zz]|[+-]{_HOUR_MINUTE})",
    re.ASCII,
)


def parse_rfc3339(text: str) -> datetime:
    """Return the time of a text such as `2026-01-31T12:00:00Z`, in UTC. Raises `ValueError`."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("Not an RFC 3339 time with a zone.")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("Not a time that can be converted to UTC.") from error
