"""Writing batches of customers: accounts, wallets, opening balances and progress together.

A batch is one unit of work, so a kill leaves whole batches: no line twice, none lost. Two batches
are written at the same time, each on its own connection, because PostgreSQL's share of the work is
the larger one; they commit in the order of the file.
"""

import secrets
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models.functions import Now

from accounts.models import Role
from core.connections.bulk import bulk_cursor
from core.unit_of_work import require_unit_of_work, unit_of_work
from intake.customers.batches import TAKEN, Batch
from intake.customers.rejects import Reject, RejectsFile
from intake.models import CustomerImport
from ledger.kinds import Kind
from ledger.post import Order, post
from wallets.assets import system_wallet_id
from wallets.models import Purpose, Status

SUMMARY = "Opening balance"
LOADERS = 2
#: Longer than a batch takes. See `Loader.load`.
PATIENCE_SECONDS = 60

# Rows that are near each other in a batch get ids near each other, or each would touch pages of its
# own in indexes that do not fit into memory. Users follow time. Wallets, which are verified in
# ranges of ids, follow the batch after a start of its own at random; 72 bits are left to chance,
# drawn for the whole batch at once.
_INSERT = """
    WITH input AS MATERIALIZED (
        SELECT uuidv7() AS user_id,
               (%(start)s || lpad(to_hex(place), 4, '0') || '4'
                || overlay(encode(substr(%(chance)b, 10 * place::int - 9, 10), 'hex')
                           placing '8' from 4 for 2))::uuid AS wallet_id,
               i.*
          FROM unnest(%(emails)b::varchar[], %(first_names)b::varchar[], %(last_names)b::varchar[],
                      %(phone_numbers)b::varchar[], %(currencies)b::varchar[])
               WITH ORDINALITY AS i (email, first_name, last_name, phone_number, asset_id, place)
    ), users AS (
        INSERT INTO accounts_user (
            id, password, is_superuser, email, role, is_active, created_at)
        SELECT user_id, %(password)s, false, lower(email), %(role)s, true, now() FROM input
            ON CONFLICT (email) DO NOTHING
        RETURNING id
    ), made AS MATERIALIZED (
        SELECT input.* FROM users JOIN input ON input.user_id = users.id
    ), clients AS (
        INSERT INTO accounts_client (user_id, first_name, last_name, phone_number)
        SELECT user_id, first_name, last_name, phone_number FROM made
    ), wallets AS (
        INSERT INTO wallets_wallet (
            id, asset_id, owner_id, owner_role, slot, status, balance_minor, held_minor, version,
            created_at, updated_at)
        SELECT wallet_id, asset_id, user_id, %(role)s, 1, %(status)s, 0, 0, 0, now(), now()
          FROM made
    )
    SELECT place - 1, wallet_id FROM made
"""


class Counts(NamedTuple):
    """How far a run came: lines, customers made, and lines that made none."""

    total: int
    processed: int
    rejected: int


class SeedingOvertaken(Exception):
    """Somebody else writes to this run: this one must not."""


class Loader:
    """Writes the batches of one run."""

    def __init__(self, run: CustomerImport, rejects: RejectsFile) -> None:
        self._run_id = run.pk
        self._rejects = rejects
        self._counts = Counts(run.total, run.processed, run.rejected)

    def load(self, batch: Batch, previous: "Future[Counts] | None") -> Counts:
        """Write the batch once the one before it is committed; return how far the run came then.

        Most of the work is done while the one before is still at its own. Raises what made the
        one before fail, `Unavailable`, and `SeedingOvertaken`.
        """
        try:
            return self._commit(batch, previous, PATIENCE_SECONDS)
        except TimeoutError:
            # The one before may be waiting for this one, at an address that is the same to the
            # database and not to Python. It goes first, and this one starts anew.
            return self._commit(batch, previous, None)

    def _commit(
        self, batch: Batch, previous: "Future[Counts] | None", patience_seconds: float | None
    ) -> Counts:
        if previous is not None and patience_seconds is None:
            previous.result()

        def work() -> Counts:
            made = _insert(batch)
            _open_balances(batch, made)
            if previous is not None:
                previous.result(patience_seconds)
            rejects = sorted([*batch.rejects, *_taken(batch, made)])
            self._rejects.write(rejects)
            return self._advance(batch, len(made), len(rejects))

        self._counts = unit_of_work(work)
        self._rejects.commit()
        return self._counts

    def _advance(self, batch: Batch, made: int, rejected: int) -> Counts:
        """Move the run on from where this batch begins, and from nowhere else."""
        counts = Counts(
            batch.first + batch.lines,
            self._counts.processed + made,
            self._counts.rejected + rejected,
        )
        moved = CustomerImport.objects.filter(
            pk=self._run_id, state=CustomerImport.State.RUNNING, total=batch.first
        ).update(**counts._asdict(), heartbeat_at=Now())
        if not moved:
            raise SeedingOvertaken("Another process has gone on with this seeding.")
        return counts


class Loaders:
    """Threads with a connection each, which take turns: one batch each, in their order."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._threads = [ThreadPoolExecutor(1, f"seeding-{n}") for n in range(LOADERS)]
        self._submitted = 0
        self._last: Future[Counts] | None = None

    def submit(self, batch: Batch) -> "Future[Counts]":
        thread = self._threads[self._submitted % LOADERS]
        self._submitted += 1
        self._last = thread.submit(self._loader.load, batch, self._last)
        return self._last

    def close(self) -> None:
        """Finish what was submitted, and give the connections back."""
        for thread in self._threads:
            thread.submit(_disconnect)
        for thread in self._threads:
            thread.shutdown()


def _disconnect() -> None:
    # `connection` is that of the thread that asks.
    connection.close()


def _insert(batch: Batch) -> dict[int, uuid.UUID]:
    """Insert the customers whose addresses are free; return the wallets by place in the batch."""
    require_unit_of_work()
    customers = batch.customers
    with bulk_cursor() as cursor:
        # A wallet's owner is looked for once, at the commit, and not for each version of its row.
        cursor.execute("SET CONSTRAINTS owner_role_matches DEFERRED")
        cursor.execute(
            _INSERT,
            {
                "start": secrets.token_hex(4),
                "chance": secrets.token_bytes(10 * len(customers)),
                "emails": [customer.email for customer in customers],
                "first_names": [customer.first_name for customer in customers],
                "last_names": [customer.last_name for customer in customers],
                "phone_numbers": [customer.phone_number for customer in customers],
                "currencies": [customer.currency for customer in customers],
                # One that nobody can log in by.
                "password": make_password(None),
                "role": Role.CLIENT,
                "status": Status.ACTIVE,
            },
        )
        return dict(cursor.fetchall())


def _open_balances(batch: Batch, wallets: dict[int, uuid.UUID]) -> None:
    funding = {
        currency: system_wallet_id(currency, Purpose.FUNDING)
        for currency in {customer.currency for customer in batch.customers}
    }
    orders = []
    for place, wallet_id in wallets.items():
        customer = batch.customers[place]
        if customer.balance_minor:
            orders.append(
                Order(
                    Kind.DEPOSIT,
                    funding[customer.currency],
                    wallet_id,
                    customer.balance_minor,
                    customer.currency,
                    SUMMARY,
                )
            )
    if orders and any(outcome.failure for outcome in post(orders)):
        raise AssertionError("a deposit into a new wallet cannot fail")


def _taken(batch: Batch, made: dict[int, uuid.UUID]) -> Iterator[Reject]:
    for place, (line, text) in enumerate(batch.places):
        if place not in made:
            yield Reject(line, TAKEN, text)
