"""The id of a request: the caller's own, or a new one."""

import re

from core.ids import uuid7

_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def request_id(received: str) -> str:
    """Return the X-Request-ID that was received if it is a sane one, otherwise a new one."""
    # A version 7 UUID holds its time: it leads to the transactions of that minute.
    return received if _VALID_REQUEST_ID.fullmatch(received) else str(uuid7())
