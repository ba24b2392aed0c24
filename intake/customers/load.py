"""Writing batches of customers: accounts, wallets, opening balances and progress together.

A batch is one unit of work, so a kill leaves whole batches: no line twice, none lost. Two batches
are written concurrently, each on its own connection, because PostgreSQL's share of the work is
larger than Python's; they commit in the order of the source.
"""

import secrets
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models.functions import Now

from accounts.models import Role
from core.connections.bulk import bulk_cursor
from core.unit_of_work import requires_unit_of_work, unit_of_work
from intake.customers.batches import EMAIL_TAKEN, Batch
from intake.customers.rejects import Reject, RejectsFile
from intake.models import CustomerImport
from ledger.kinds import Kind
from ledger.orders import Order
from ledger.post import post
from wallets.assets import system_wallet_id
from wallets.models import Purpose, Status

OPENING_BALANCE_SUMMARY = "Opening balance"
LOADER_THREADS = 2
#: Longer than a batch takes to write. See `Loader.load`.
PREVIOUS_BATCH_TIMEOUT_SECONDS = 60

# Neighbouring rows of a batch get neighbouring ids. Otherwise each row would touch its own pages of
# indexes that do not fit into memory. Ids of users follow time (UUIDv7). Ids of wallets, which are
# verified in ranges of ids, start with a random prefix of the batch and the row's position in it;
# the other 72 bits are random and drawn once for the whole batch. So do addresses, with a prefix
# and random bits of their own: neither name of a wallet tells the other, nor a neighbour's.
_ID = """(%({0}_prefix)s || lpad(to_hex(position), 4, '0') || '4'
                || overlay(encode(substr(%({0}_bytes)b, 10 * position::int - 9, 10), 'hex')
                           placing '8' from 4 for 2))::uuid"""
_INSERT = f"""
    WITH input AS MATERIALIZED (
        SELECT uuidv7() AS user_id,
               {_ID.format("wallet")} AS wallet_id,
               {_ID.format("address")} AS address,
               i.*
          FROM unnest(%(emails)b::varchar[], %(first_names)b::varchar[], %(last_names)b::varchar[],
                      %(phone_numbers)b::varchar[], %(currencies)b::varchar[])
               WITH ORDINALITY AS i (email, first_name, last_name, phone_number, asset_id, position)
    ), users AS (
        INSERT INTO accounts_user (
            id, password, is_superuser, email, role, is_active, created_at,
            is_imported)
        SELECT user_id, %(password)s, false, email, %(role)s, true, now(), true FROM input
            ON CONFLICT (email) DO NOTHING
        RETURNING id
    ), created AS MATERIALIZED (
        SELECT input.* FROM users JOIN input ON input.user_id = users.id
    ), clients AS (
        INSERT INTO accounts_client (user_id, first_name, last_name, phone_number)
        SELECT user_id, first_name, last_name, phone_number FROM created
    ), wallets AS (
        INSERT INTO wallets_wallet (
            id, address, asset_id, owner_id, owner_role, slot, status, charges, balance_minor,
            held_minor, version, created_at, updated_at)
        SELECT wallet_id, address, asset_id, user_id, %(role)s, 1, %(status)s, %(charges)s, 0, 0, 0,
               now(), now()
          FROM created
    )
    SELECT position - 1, wallet_id FROM created
"""  # noqa: S608


class Counts(NamedTuple):
    """The counts of a run: lines read, customers made, lines rejected."""

    total: int
    processed: int
    rejected: int


class ImportOvertaken(Exception):
    """Another process has advanced this run: this process must not write to it."""


class Loader:
    """Writes the batches of one run."""

    def __init__(self, run: CustomerImport, rejects: RejectsFile) -> None:
        self._run_id = run.pk
        self._rejects = rejects
        self._counts = Counts(run.total, run.processed, run.rejected)

    def load(self, batch: Batch, previous: "Future[Counts] | None") -> Counts:
        """Write the batch, commit it after the previous one, and return the run's counts.

        The batch is inserted while the previous one may still be at work; only the commit waits.
        Raises the error of the previous batch, `Unavailable` and `ImportOvertaken`.
        """
        try:
            return self._commit(batch, previous, PREVIOUS_BATCH_TIMEOUT_SECONDS)
        except TimeoutError:
            # The previous batch takes long, or waits for this one, as two would that hold one
            # address. This one has been rolled back; it starts again when the previous one is
            # committed.
            return self._commit(batch, previous, None)

    def _commit(
        self, batch: Batch, previous: "Future[Counts] | None", timeout_seconds: float | None
    ) -> Counts:
        if previous is not None and timeout_seconds is None:
            previous.result()

        def work() -> Counts:
            wallets = _insert(batch)
            _post_opening_balances(batch, wallets)
            if previous is not None:
                previous.result(timeout_seconds)
            rejects = sorted([*batch.rejects, *_rejects_of_taken_emails(batch, wallets)])
            self._rejects.write(rejects)
            return self._advance(batch, len(wallets), len(rejects))

        self._counts = unit_of_work(work)
        self._rejects.commit()
        return self._counts

    def _advance(self, batch: Batch, processed: int, rejected: int) -> Counts:
        """Advance the run's counts past this batch.

        Raises `ImportOvertaken` if the run does not end where the batch begins.
        """
        counts = Counts(
            batch.skipped + batch.lines,
            self._counts.processed + processed,
            self._counts.rejected + rejected,
        )
        updated = CustomerImport.objects.filter(
            pk=self._run_id, state=CustomerImport.State.RUNNING, total=batch.skipped
        ).update(**counts._asdict(), heartbeat_at=Now())
        if not updated:
            raise ImportOvertaken("Another process has resumed this import.")
        return counts


class LoaderPool:
    """Threads, each with its own connection, that take the batches in turn."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._threads = [ThreadPoolExecutor(1, f"import-{n}") for n in range(LOADER_THREADS)]
        self._submitted = 0
        self._last: Future[Counts] | None = None

    def submit(self, batch: Batch) -> "Future[Counts]":
        thread = self._threads[self._submitted % LOADER_THREADS]
        self._submitted += 1
        self._last = thread.submit(self._loader.load, batch, self._last)
        return self._last

    def close(self) -> None:
        """Wait for the submitted batches, then close the threads and their connections."""
        for thread in self._threads:
            thread.submit(_disconnect)
        for thread in self._threads:
            thread.shutdown()


def _disconnect() -> None:
    # Runs in a loader's thread: `connection` is that thread's own.
    connection.close()


@requires_unit_of_work
def _insert(batch: Batch) -> dict[int, uuid.UUID]:
    """Insert the customers whose email addresses are free.

    Return the ids of their wallets by index in `batch.customers`.
    """
    customers = batch.customers
    with bulk_cursor() as cursor:
        # A wallet's owner is checked once, at the commit, not for each version of the row.
        cursor.execute("SET CONSTRAINTS owner_role_matches DEFERRED")
        cursor.execute(
            _INSERT,
            {
                "wallet_prefix": secrets.token_hex(4),
                "wallet_bytes": secrets.token_bytes(10 * len(customers)),
                "address_prefix": secrets.token_hex(4),
                "address_bytes": secrets.token_bytes(10 * len(customers)),
                "emails": [customer.email for customer in customers],
                "first_names": [customer.first_name for customer in customers],
                "last_names": [customer.last_name for customer in customers],
                "phone_numbers": [customer.phone_number for customer in customers],
                "currencies": [customer.currency for customer in customers],
                # An unusable password: it allows no log-in.
                "password": make_password(None),
                "role": Role.CLIENT,
                "status": Status.ACTIVE,
                "charges": settings.CHARGES,
            },
        )
        return dict(cursor.fetchall())


def _post_opening_balances(batch: Batch, wallets: dict[int, uuid.UUID]) -> None:
    funding = {
        currency: system_wallet_id(currency, Purpose.FUNDING)
        for currency in {customer.currency for customer in batch.customers}
    }
    orders = []
    for index, wallet_id in wallets.items():
        customer = batch.customers[index]
        if customer.balance_minor:
            orders.append(
                Order(
                    Kind.DEPOSIT,
                    funding[customer.currency],
                    wallet_id,
                    customer.balance_minor,
                    customer.currency,
                    OPENING_BALANCE_SUMMARY,
                )
            )
    if orders and any(outcome.failure for outcome in post(orders)):
        raise AssertionError("a deposit into a new wallet cannot fail")


def _rejects_of_taken_emails(batch: Batch, wallets: dict[int, uuid.UUID]) -> Iterator[Reject]:
    for index, (line, text) in enumerate(batch.customer_lines):
        if index not in wallets:
            yield Reject(line, EMAIL_TAKEN, text)
