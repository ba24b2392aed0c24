"""Seeding: customers from a source, once per version of it, from where it stopped last time."""

import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from core.unit_of_work import unit_of_work
from intake.customers.batches import BATCHES_IN_WORK, Batch, batches_of
from intake.customers.heartbeat import Heartbeat, release_run
from intake.customers.load import Counts, Loader, Loaders
from intake.customers.rejects import RejectsFile
from intake.customers.source import Source, SourceError, name_of, open_source
from intake.models import CustomerImport
from wallets.models import Asset

#: One seeding at a time: whoever holds this lock, for as long as it takes.
SEED_LOCK = 4_712
# Python looks for cycles whenever so many objects are there; batches are thousands and have none.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000
# A run whose source is still being opened has this version.
_NOT_OPEN = ""


class AlreadySeeding(Exception):
    """Another seeding is running. Its text says so."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a seeding is. `position` and `size` are bytes of the source; size may be unknown."""

    counts: Counts
    position: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Seeding:
    """What became of it. `is_new` is False when this version had been seeded already."""

    run: CustomerImport
    is_new: bool


def seed(location: str, *, on_progress: Callable[[Progress], None] = lambda _: None) -> Seeding:
    """Make customers of the lines of a source, and return once all of it is done.

    `location` is a path, `http(s)://…` or `s3://bucket/key`. `on_progress` is called at the start
    and after each batch. Once done, the same version of the source is not read again; when it
    stops in the middle, the next call goes on from there. Wants a connection of its own to the
    database, not one of a transaction pooler.

    Raises `SourceError`, `RejectsUnwritable`, `AlreadySeeding`, `SeedingOvertaken` and
    `Unavailable`.
    """
    name = name_of(location)
    with _alone():
        run = unit_of_work(lambda: _announce(name))
        try:
            with Heartbeat(run.pk) as heartbeat, open_source(location) as source:
                run = unit_of_work(lambda: _resume(run, source.version))
                heartbeat.run_id = run.pk
                if run.state == CustomerImport.State.COMPLETED:
                    return Seeding(run, is_new=False)
                _work_through(run, source, on_progress)
                run = unit_of_work(lambda: _complete(run))
        except SourceError as error:
            lines = _leave(run)
            if not lines:
                raise
            raise SourceError(
                f"{error} {lines:,} lines are done: run it again and it goes on after them."
            ) from error
        except BaseException:
            _leave(run)
            raise
    return Seeding(run, is_new=True)


def _work_through(
    run: CustomerImport, source: Source, on_progress: Callable[[Progress], None]
) -> None:
    counts = Counts(run.total, run.processed, run.rejected)
    on_progress(Progress(counts, 0, source.size))
    decimals_of = dict(Asset.objects.filter(is_cash=True).values_list("symbol", "decimals"))
    in_work: deque[tuple[Future[Counts], Batch]] = deque()

    def wait_for_the_oldest() -> None:
        future, batch = in_work.popleft()
        on_progress(Progress(future.result(), batch.position, source.size))

    with _collecting_seldom(), RejectsFile(run.pk) as rejects:
        rejects.keep(run.rejected)
        loaders = Loaders(Loader(run, rejects))
        try:
            for batch in batches_of(source, skip=run.total, decimals_of=decimals_of):
                in_work.append((loaders.submit(batch), batch))
                if len(in_work) == BATCHES_IN_WORK:
                    wait_for_the_oldest()
            while in_work:
                wait_for_the_oldest()
        finally:
            loaders.close()


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SEED_LOCK])
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        raise AlreadySeeding("Another seeding is running: only one runs at a time.")
    try:
        yield
    finally:
        # A connection that is lost has let the lock go.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SEED_LOCK])


def _announce(name: str) -> CustomerImport:
    """Say that a seeding has begun, before anything is known of its source."""
    CustomerImport.objects.filter(version=_NOT_OPEN).delete()
    return CustomerImport.objects.create(source=name, version=_NOT_OPEN, heartbeat_at=Now())


def _resume(announced: CustomerImport, version: str) -> CustomerImport:
    """Return the run of this version: an earlier one, or the one that was announced."""
    earlier = CustomerImport.objects.filter(source=announced.source, version=version)
    if earlier:
        CustomerImport.objects.filter(pk=announced.pk).delete()
        earlier.filter(state=CustomerImport.State.RUNNING).update(heartbeat_at=Now())
    else:
        CustomerImport.objects.filter(pk=announced.pk).update(version=version)
    return CustomerImport.objects.get(source=announced.source, version=version)


def _complete(run: CustomerImport) -> CustomerImport:
    CustomerImport.objects.filter(pk=run.pk).update(
        state=CustomerImport.State.COMPLETED, heartbeat_at=Now(), finished_at=Now()
    )
    return CustomerImport.objects.get(pk=run.pk)


def _leave(run: CustomerImport) -> int:
    """Let go of a run that stops early, and return its lines. Without any it leaves no trace."""
    with suppress(DatabaseError, InterfaceError):
        CustomerImport.objects.filter(pk=run.pk, total=0).delete()
        release_run(run)
        return CustomerImport.objects.filter(pk=run.pk).values_list("total", flat=True).first() or 0
    return 0
