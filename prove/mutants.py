"""Mutants: each takes one guarantee out of the service. The proof has to notice.

What a mutant changes in the database is here; what it changes in the processes is in
`process_mutations`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from harness.database import create_database, drop_database
from ops.embedded_postgres import Role
from prove.actors import Actors
from prove.faults import CATALOGUE
from prove.installation import BreakableInstallation
from prove.proof import Proof
from prove.setup import PREPARED

DATABASE = "mutant"
ROUNDS = 14
#: Later than a caller who lost the answer sends again.
LATE_SECONDS = 1.0
Change = Callable[[psycopg.Connection[Any]], None]
Attack = Callable[[Proof, int], None]


@dataclass(frozen=True)
class Mutant:
    """A guarantee that is taken out, and the rounds that are to show it.

    `is_sound`: nothing is taken out. The same rounds must find nothing then.
    """

    name: str
    change: Change
    attack: Attack
    #: Writes what `change` diverted, now and then, in a transaction of its own; empty: nothing is.
    late: str = ""
    is_sound: bool = False


@dataclass(frozen=True)
class Verdict:
    """Which invariants caught a mutant, and in which round."""

    mutant: Mutant
    caught_by: tuple[str, ...]
    rounds: int

    @property
    def is_right(self) -> bool:
        """Whether a mutant was caught, or the unchanged service was not."""
        return bool(self.caught_by) != self.mutant.is_sound


def try_mutant(
    installation: BreakableInstallation, actors: Actors, mutant: Mutant, seed: str
) -> Verdict:
    """Run the mutant until an invariant is broken, for at most `ROUNDS` rounds."""
    drop_database(installation.data_dir, DATABASE)
    create_database(installation.data_dir, DATABASE, template=PREPARED)
    installation.use_database(DATABASE)
    installation.mutant = mutant.name
    with installation.connect() as superuser:
        mutant.change(superuser)
    rounds = 0
    with _late(installation, mutant.late):
        installation.start_service()
        proof = Proof(installation, actors, f"{seed}-{mutant.name.replace(' ', '-')}")
        proof.watch.start()
        while rounds < ROUNDS and not proof.log.violations:
            mutant.attack(proof, rounds)
            rounds += 1
        proof.watch.stop()
        installation.stop_service()
    installation.mutant = ""
    caught_by = sorted({violation.invariant for violation in proof.log.violations})
    return Verdict(mutant, tuple(caught_by), rounds)


# --- What they change ---------------------------------------------------------------------------


def _nothing(connection: psycopg.Connection[Any]) -> None:
    """Leave the database alone: `process_mutations` changes the processes."""


def _replace(old: str, new: str) -> Change:
    """Replace `old` in each function that contains it."""

    def change(connection: psycopg.Connection[Any]) -> None:
        definitions = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'"
            " AND strpos(prosrc, %s) > 0",
            [old],
        ).fetchall()
        if not definitions:
            raise LookupError(f"No function contains {old}: this mutant changes nothing.")
        for (definition,) in definitions:
            connection.execute(definition.replace(old, new))

    return change


def _lose_keys(connection: psycopg.Connection[Any]) -> None:
    """Store each record under a random key: none is ever found again."""
    connection.execute(
        """
        CREATE FUNCTION prove_lose_key() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.key := left(NEW.key, 200) || ' ' || gen_random_uuid();
            RETURN NEW;
        END $$;
        CREATE TRIGGER prove_lose_key BEFORE INSERT ON core_idempotencyrecord
        FOR EACH ROW EXECUTE FUNCTION prove_lose_key();
        """
    )


def _divert_keys(connection: psycopg.Connection[Any]) -> None:
    """Take each record out of the money's transaction; `_LATE_KEYS` writes it afterwards."""
    connection.execute(
        """
        CREATE TABLE prove_late_key (LIKE core_idempotencyrecord);
        CREATE FUNCTION prove_divert_key() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            IF current_setting('application_name') LIKE 'web%' THEN
                INSERT INTO prove_late_key SELECT NEW.*;
                DELETE FROM core_idempotencyrecord WHERE id = NEW.id;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER prove_divert_key AFTER INSERT ON core_idempotencyrecord
        FOR EACH ROW EXECUTE FUNCTION prove_divert_key();
        """
    )


def _acknowledge_before_flush(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"ALTER ROLE {Role.APP} IN DATABASE {DATABASE} SET synchronous_commit = off")


_LATE_KEYS = """
    WITH late AS (DELETE FROM prove_late_key RETURNING *)
    INSERT INTO core_idempotencyrecord OVERRIDING SYSTEM VALUE
    SELECT * FROM late ON CONFLICT DO NOTHING
"""


def _divert_uses(connection: psycopg.Connection[Any]) -> None:
    """Take the use out of the money's transaction; `_LATE_USES` counts it afterwards."""
    connection.execute(
        "CREATE TABLE prove_late_use (paytoken_id uuid); GRANT ALL ON prove_late_use TO PUBLIC"
    )
    _replace(
        "UPDATE wallets_paytoken SET uses_left = uses_left - 1 WHERE id = posted.paytoken_id",
        "INSERT INTO prove_late_use VALUES (posted.paytoken_id)",
    )(connection)


_LATE_USES = """
    WITH late AS (DELETE FROM prove_late_use RETURNING paytoken_id),
         uses AS (SELECT paytoken_id, count(*) AS spent FROM late GROUP BY paytoken_id)
    UPDATE wallets_paytoken SET uses_left = greatest(uses_left - spent, 0)
      FROM uses WHERE id = paytoken_id
"""


def _divert_payments(connection: psycopg.Connection[Any]) -> None:
    """Take a request's end out of the money's transaction; `_LATE_PAYMENTS` writes it."""
    connection.execute(
        """
        CREATE TABLE prove_late_payment (
            request uuid, moment timestamptz, paid_by uuid, from_wallet uuid, amount_minor bigint,
            tip_minor bigint
        );
        ALTER FUNCTION settle_payment_request RENAME TO prove_settle;
        CREATE FUNCTION settle_payment_request(
            request uuid, moment timestamptz, paid_by uuid, from_wallet uuid, amount_minor bigint,
            tip_minor bigint
        )
        RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO prove_late_payment
            VALUES (request, moment, paid_by, from_wallet, amount_minor, tip_minor);
            RETURN true;
        END $$;
        """
    )


_LATE_PAYMENTS = """
    WITH late AS (DELETE FROM prove_late_payment RETURNING *)
    SELECT prove_settle(request, moment, paid_by, from_wallet, amount_minor, tip_minor) FROM late
"""


def _ask_before_lock(connection: psycopg.Connection[Any]) -> None:
    """Ask for the approval before the wallets are locked."""
    for old, new in (
        ("held_before   bigint := 0;", "held_before bigint := 0; asked varchar[];"),
        (
            "-- 1. Lock and read the wallets; a second time when there was something to complete.",
            """
            SELECT array_agg(
                       (approval_refusal(o.source_id, w.charges, o.actor_id, o.target_id,
                                         o.amount_minor, 0, NULL)).refusal
                       ORDER BY o.ordinality)
              INTO asked
              FROM unnest(orders) WITH ORDINALITY o JOIN wallets_wallet w ON w.id = o.source_id;
            """,
        ),
        ("coalesce(approval.refusal, failure)", "coalesce(asked[i], failure)"),
    ):
        _replace(old, new)(connection)


def _ignore_expiry(connection: psycopg.Connection[Any]) -> None:
    """Hold what is held for ever, unless it is taken or given back."""
    _replace("h.expires_at <= moment", "false")(connection)
    _replace("expires_at <= current_moment());", "false);")(connection)


def _increment_without_lock(connection: psycopg.Connection[Any]) -> None:
    """Read the wallets of an increment without their lock."""
    row = connection.execute(
        "SELECT pg_get_functiondef(oid), proname FROM pg_proc"
        " WHERE strpos(prosrc, 'FOR NO KEY UPDATE OF w') > 0"
    ).fetchone()
    assert row is not None
    definition, name = row
    definition = definition.replace("FOR NO KEY UPDATE OF w", "")
    connection.execute(definition.replace(f"public.{name}(", "public.prove_unlocked_wallets("))
    columns = (
        "place, asset_id, is_system, is_active, charges, balance_minor, held_minor, next_expiry,"
        " version, has_fee"
    )
    is_increment = "orders[1].kind = 'hold' AND orders[1].hold_seconds IS NULL"
    _replace(
        "SELECT * FROM lock_wallets(wallet_ids) LOOP",
        f"SELECT {columns} FROM prove_unlocked_wallets(wallet_ids) WHERE {is_increment}"
        f" UNION ALL SELECT {columns} FROM lock_wallets("
        f"CASE WHEN {is_increment} THEN '{{}}' ELSE wallet_ids END) LOOP",
    )(connection)


@contextmanager
def _late(installation: BreakableInstallation, statement: str) -> Iterator[None]:
    """Execute the statement again and again while the block runs."""
    if not statement:
        yield
        return
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(LATE_SECONDS):
            try:
                with installation.connect() as connection:
                    connection.execute(statement)
            except psycopg.Error:
                continue

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()


# --- How they are attacked ----------------------------------------------------------------------


def _hammer(proof: Proof, number: int) -> None:
    proof.run_workload(proof.workloads.hammer(120), None)


def _charge_in_batches(proof: Proof, number: int) -> None:
    proof.run_workload(proof.workloads.batches(60), None)


def _refund_twice(proof: Proof, number: int) -> None:
    charges = proof.workloads.charges(60)
    proof.run_workload(charges, None)
    proof.run_workload(proof.workloads.first_refunds(charges), None)
    proof.run_workload(proof.workloads.refunds(charges), None)


def _use_twice(proof: Proof, number: int) -> None:
    proof.run_single_uses(40, None)


def _pay_twice(proof: Proof, number: int) -> None:
    proof.run_payments(40, None)


def _let_holds_expire(proof: Proof, number: int) -> None:
    proof.run_expired_holds()


def _increment_together(proof: Proof, number: int) -> None:
    proof.run_increments()


def _fail_trades(proof: Proof, number: int) -> None:
    proof.run_workload(proof.workloads.trades(20), None)


def _pass_day_limit(proof: Proof, number: int) -> None:
    proof.run_day_limit(None)


def _mix_with(kind: str) -> Attack:
    """Send every operation, with a fault of this kind."""
    [fault] = [fault for fault in CATALOGUE if fault.kind == kind]
    return lambda proof, _number: proof.run_mixed(fault)


_lose_answers = _mix_with("commit's answer lost")
_kill_worker = _mix_with("worker killed after write")
_hold_up_chunk = _mix_with("processor held up in a chunk")
_kill_database = _mix_with("PostgreSQL killed")
_crowd = _mix_with("crowd of bad clients")


def _attack_in_turn(proof: Proof, number: int) -> None:
    attacks = (
        _hammer,
        _charge_in_batches,
        _lose_answers,
        _kill_worker,
        _hold_up_chunk,
        _kill_database,
        _refund_twice,
        _use_twice,
        _pay_twice,
        _pass_day_limit,
        _let_holds_expire,
        _increment_together,
        _fail_trades,
        _crowd,
    )
    attacks[number % len(attacks)](proof, number)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("none: the service as it is", _nothing, _attack_in_turn, is_sound=True),
    Mutant("no lock", _replace("FOR NO KEY UPDATE OF w", ""), _hammer),
    Mutant("locks unordered", _replace("ORDER BY w.id", "ORDER BY random()"), _charge_in_batches),
    Mutant("key committed apart from the money", _divert_keys, _lose_answers, late=_LATE_KEYS),
    Mutant("no unique key", _lose_keys, _kill_worker),
    Mutant("no lease of a chunk", _nothing, _hold_up_chunk),
    Mutant("synchronous_commit off", _acknowledge_before_flush, _kill_database),
    Mutant("limits not atomic", _nothing, _refund_twice),
    Mutant("use counted apart from the money", _divert_uses, _use_twice, late=_LATE_USES),
    Mutant("request ended apart from the money", _divert_payments, _pay_twice, late=_LATE_PAYMENTS),
    Mutant("approval looked at before the lock", _ask_before_lock, _pass_day_limit),
    Mutant("expiry ignored", _ignore_expiry, _let_holds_expire),
    Mutant(
        "part of a group written",
        _replace("FOR place IN REVERSE i - 1 .. first LOOP", "FOR place IN REVERSE 0 .. 1 LOOP"),
        _fail_trades,
    ),
    Mutant("increment without the lock", _increment_without_lock, _increment_together),
    Mutant("keys forgotten", _nothing, _lose_answers),
    Mutant("half requests carried out", _nothing, _crowd),
)
#: Enough to show that the short form can fail.
SHORT_MUTANTS = ("no unique key",)
