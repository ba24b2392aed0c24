"""Failpoints in the database of the run: a session that reaches one waits until it is released.

They are triggers and a wrapper of `lock_wallets`, independent of the product's statements. At each,
a session takes an advisory lock in shared mode, which costs next to nothing until the proof holds
that lock exclusively: then the session waits, its name shows its process, and a fault can strike.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import psycopg
from psycopg import sql

from harness.waiting import PAUSE_SECONDS
from prove.installation import LOCK_TIMEOUT_MS, BreakableInstallation

#: The first number of our advisory locks: the product uses other ones.
SPACE = 4_712
#: Added to the second number for the processors.
_OF_CHUNK = 100
PATIENCE_SECONDS = 5


class Step(IntEnum):
    """Where a money request, or a chunk, can be stopped. The value is the lock's number."""

    BEFORE_LOCK = 1
    AFTER_LOCK = 2
    BEFORE_WRITE = 3
    AFTER_WRITE = 4
    BEFORE_KEY = 5
    AFTER_KEY = 6
    IN_COMMIT = 7
    IN_GROUP = 8
    AFTER_HOLD = 9


class Missed(Exception):
    """No process reached the failpoint in time: the fault did not take place."""


class NotPrompt(Exception):
    """Callers were not answered while the fault lasted, though they should have been."""


@dataclass(frozen=True)
class Halted:
    """A session that waits at a failpoint. `process`: the service's; `backend`: PostgreSQL's."""

    process: int
    backend: int


def install(connection: psycopg.Connection[Any]) -> None:
    """Put all failpoints into the database, as its superuser."""
    connection.execute(_HALT)
    row = connection.execute(
        "SELECT pg_get_function_result(oid) FROM pg_proc WHERE proname = 'lock_wallets'"
    ).fetchone()
    if row is None:
        raise LookupError("There is no function lock_wallets.")
    connection.execute("ALTER FUNCTION lock_wallets(uuid[]) RENAME TO prove_lock_wallets")
    connection.execute(sql.SQL(_LOCK_WALLETS.replace("{result}", row[0])))
    for table, before, after in (
        ("ledger_transaction", Step.BEFORE_WRITE, Step.AFTER_WRITE),
        ("core_idempotencyrecord", Step.BEFORE_KEY, Step.AFTER_KEY),
    ):
        for when, step in (("BEFORE", before), ("AFTER", after)):
            connection.execute(
                sql.SQL(_TRIGGER).format(
                    name=sql.Identifier(f"prove_{step.name.lower()}"),
                    when=sql.SQL(when),
                    table=sql.Identifier(table),
                    step=sql.Literal(str(step.value)),
                )
            )
    connection.execute(_IN_COMMIT)
    connection.execute(_IN_GROUP)


@contextmanager
def halted_at(
    installation: BreakableInstallation, step: Step, *, in_chunk: bool = False
) -> Iterator[Halted]:
    """Halt the next session at the step while the block runs. Raises `Missed`.

    The block must be short: the product stops waiting after its `lock_timeout`.
    """
    number = step.value + (_OF_CHUNK if in_chunk else 0)
    with installation.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [SPACE, number])
        try:
            yield _wait_for_session(connection, number)
        finally:
            # A fault may have ended this session too, and its locks with it.
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_advisory_unlock_all()")


def _wait_for_session(connection: psycopg.Connection[Any], number: int) -> Halted:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        row = connection.execute(_WAITING, [SPACE, number]).fetchone()
        if row is not None:
            name, backend = row
            return Halted(int(name.split()[-1]), backend)
        time.sleep(PAUSE_SECONDS)
    raise Missed(f"no session reached {Step(number % _OF_CHUNK).name}")


if LOCK_TIMEOUT_MS < 10 * PAUSE_SECONDS * 1000:
    raise AssertionError("a session would stop waiting at a failpoint before it is seen")

_WAITING = """
    SELECT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid = %s AND NOT l.granted
       AND a.application_name ~ '^(web|processor) [0-9]+$'
     ORDER BY l.waitstart LIMIT 1
"""
_HALT = f"""
    CREATE FUNCTION prove_halt(step integer) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('application_name') LIKE 'processor%' THEN
            step := step + {_OF_CHUNK};
        END IF;
        PERFORM pg_advisory_xact_lock_shared({SPACE}, step);
    END $$;
    CREATE FUNCTION prove_halt_at() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM prove_halt(TG_ARGV[0]::integer);
        RETURN NEW;
    END $$;
"""
_LOCK_WALLETS = f"""
    CREATE FUNCTION lock_wallets(wallet_ids uuid[]) RETURNS {{result}} LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM prove_halt({Step.BEFORE_LOCK:d});
        RETURN QUERY SELECT * FROM prove_lock_wallets(wallet_ids);
        PERFORM prove_halt({Step.AFTER_LOCK:d});
    END $$
"""
_TRIGGER = """
    CREATE TRIGGER {name} {when} INSERT ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION prove_halt_at({step})
"""
# A deferred trigger runs in the commit, just before it is written to disk.
_IN_COMMIT = f"""
    CREATE CONSTRAINT TRIGGER prove_in_commit AFTER INSERT ON core_idempotencyrecord
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION prove_halt_at('{Step.IN_COMMIT:d}')
"""
# Between two rows of a group, and between a hold and the rows that tell of it.
_IN_GROUP = f"""
    CREATE TRIGGER prove_in_group BEFORE INSERT ON ledger_transaction FOR EACH ROW
    WHEN (NEW.group_id IS NOT NULL AND NEW.kind NOT IN ('charge', 'capture'))
    EXECUTE FUNCTION prove_halt_at('{Step.IN_GROUP:d}');
    CREATE TRIGGER prove_after_hold AFTER INSERT OR UPDATE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION prove_halt_at('{Step.AFTER_HOLD:d}')
"""
