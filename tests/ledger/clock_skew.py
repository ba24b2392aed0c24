"""A clock that was not right: ids of another time than their transactions happened at."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

import psycopg


def move_ids_ahead(owner_dsn: str, ids: Sequence[uuid.UUID], by: timedelta) -> list[uuid.UUID]:
    """Give transactions the ids that a clock which was ahead would have made; return those."""
    shift = by // timedelta(milliseconds=1) << 80
    moved = [uuid.UUID(int=each.int + shift) for each in ids]
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET session_replication_role = replica")
        for old, new in zip(ids, moved, strict=True):
            owner.execute("UPDATE ledger_transaction SET id = %s WHERE id = %s", [new, old])
    return moved
