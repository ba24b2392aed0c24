"""Clock skew: transactions whose ids contain another time than they were made at."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

import psycopg


def move_ids_ahead(owner_dsn: str, ids: Sequence[uuid.UUID], by: timedelta) -> list[uuid.UUID]:
    """Give transactions the ids of a clock that was ahead by `by`; return the new ids."""
    shift = by // timedelta(milliseconds=1) << 80
    moved = [uuid.UUID(int=each.int + shift) for each in ids]
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET session_replication_role = replica")
        for old, new in zip(ids, moved, strict=True):
            owner.execute("UPDATE ledger_transaction SET id = %s WHERE id = %s", [new, old])
    return moved
