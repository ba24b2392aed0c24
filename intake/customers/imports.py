"""Importing customers from a source: once per version of it, resuming where it stopped."""

import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from core.unit_of_work import unit_of_work
from intake.customers.batches import BATCHES_IN_FLIGHT, Batch, read_batches
from intake.customers.heartbeat import Heartbeat, release_run
from intake.customers.load import Counts, Loader, LoaderPool
from intake.customers.rejects import RejectsFile
from intake.customers.source import Source, SourceError, open_source, source_name
from intake.models import CustomerImport
from wallets.models import Asset

#: Advisory lock of the session: only one import runs at a time.
IMPORT_LOCK = 4_712
# Allocations between garbage collections. Batches are thousands of objects without cycles, so that
# collecting at Python's default threshold would cost time and free nothing.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000
# The version of a run whose source is still being opened.
_VERSION_UNKNOWN = ""


class AlreadyImporting(Exception):
    """Another import is running."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an import. `position` and `size` are bytes of the source.

    `size` is None when the source does not state it.
    """

    counts: Counts
    position: int
    size: int | None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The run that an import completed. `is_new` is False if it was completed before."""

    run: CustomerImport
    is_new: bool


def import_customers(
    location: str, *, on_progress: Callable[[Progress], None] = lambda _: None
) -> ImportResult:
    """Make customers of the lines of a source, and return when all lines are done.

    `location` is a path, `http(s)://…` or `s3://bucket/key`. `on_progress` is called at the start
    and after each batch. A version of the source that is completed is not imported again; an
    import that stops in the middle is resumed by the next call. Requires a direct connection to
    the database, not one of a transaction pooler.

    Raises `SourceError`, `RejectsUnwritable`, `AlreadyImporting`, `ImportOvertaken` and
    `Unavailable`.
    """
    name = source_name(location)
    with _import_lock():
        run = unit_of_work(lambda: _create_run(name))
        try:
            with Heartbeat(run.pk) as heartbeat, open_source(location) as source:
                run = unit_of_work(lambda: _resume(run, source.version))
                heartbeat.run_id = run.pk
                if run.state == CustomerImport.State.COMPLETED:
                    return ImportResult(run, is_new=False)
                _import_lines(run, source, on_progress)
                run = unit_of_work(lambda: _complete(run))
        except SourceError as error:
            lines = _release_unfinished(run)
            if not lines:
                raise
            raise SourceError(
                f"{error} {lines:,} lines are done: run it again and it resumes after them."
            ) from error
        except BaseException:
            _release_unfinished(run)
            raise
    return ImportResult(run, is_new=True)


def _import_lines(
    run: CustomerImport, source: Source, on_progress: Callable[[Progress], None]
) -> None:
    counts = Counts(run.total, run.processed, run.rejected)
    on_progress(Progress(counts, 0, source.size))
    decimals_by_currency = dict(
        Asset.objects.filter(is_cash=True).values_list("symbol", "decimals")
    )
    in_flight: deque[tuple[Future[Counts], Batch]] = deque()

    def wait_for_oldest_batch() -> None:
        future, batch = in_flight.popleft()
        on_progress(Progress(future.result(), batch.position, source.size))

    with _rare_garbage_collection(), RejectsFile(run.pk) as rejects:
        rejects.truncate(run.rejected)
        loader_pool = LoaderPool(Loader(run, rejects))
        try:
            for batch in read_batches(
                source, skip=run.total, decimals_by_currency=decimals_by_currency
            ):
                in_flight.append((loader_pool.submit(batch), batch))
                if len(in_flight) == BATCHES_IN_FLIGHT:
                    wait_for_oldest_batch()
            while in_flight:
                wait_for_oldest_batch()
        finally:
            loader_pool.close()


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@contextmanager
def _import_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [IMPORT_LOCK])
        (is_acquired,) = cursor.fetchone()
    if not is_acquired:
        raise AlreadyImporting("Another import is running: only one runs at a time.")
    try:
        yield
    finally:
        # PostgreSQL has released the lock of a connection that is lost.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [IMPORT_LOCK])


def _create_run(name: str) -> CustomerImport:
    """Record that an import has begun, before the version of its source is known."""
    CustomerImport.objects.filter(version=_VERSION_UNKNOWN).delete()
    return CustomerImport.objects.create(source=name, version=_VERSION_UNKNOWN, heartbeat_at=Now())


def _resume(created: CustomerImport, version: str) -> CustomerImport:
    """Return the run of this version: an earlier one, or else the one that was just created."""
    earlier = CustomerImport.objects.filter(source=created.source, version=version)
    if earlier:
        CustomerImport.objects.filter(pk=created.pk).delete()
        earlier.filter(state=CustomerImport.State.RUNNING).update(heartbeat_at=Now())
    else:
        CustomerImport.objects.filter(pk=created.pk).update(version=version)
    return CustomerImport.objects.get(source=created.source, version=version)


def _complete(run: CustomerImport) -> CustomerImport:
    CustomerImport.objects.filter(pk=run.pk).update(
        state=CustomerImport.State.COMPLETED, heartbeat_at=Now(), finished_at=Now()
    )
    return CustomerImport.objects.get(pk=run.pk)


def _release_unfinished(run: CustomerImport) -> int:
    """Release a run that stops early; return its committed lines. Delete it if there are none."""
    with suppress(DatabaseError, InterfaceError):
        CustomerImport.objects.filter(pk=run.pk, total=0).delete()
        release_run(run)
        return CustomerImport.objects.filter(pk=run.pk).values_list("total", flat=True).first() or 0
    return 0
