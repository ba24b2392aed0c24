"""UUIDv7: ids that contain the time at which they were made."""

import os
import time
import uuid
from datetime import UTC, datetime

_RANDOM_BITS = 74
_VERSION_7 = 7


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big") >> (80 - _RANDOM_BITS)
    high, low = random >> 62, random & (1 << 62) - 1
    milliseconds = time.time_ns() // 1_000_000
    return uuid.UUID(int=milliseconds << 80 | _VERSION_7 << 76 | high << 64 | 2 << 62 | low)


def time_of_uuid7(text: str) -> datetime | None:
    """Return when the UUIDv7 in `text` was made; None when it is not a UUIDv7."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    if found.version != _VERSION_7:
        return None
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC)
