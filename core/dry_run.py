"""Whether the present unit of work is a dry run: done in full, and none of it kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class DryRun:
    """A dry run, and what it was refused.

    `counted_caller` is the account whose refusals over the wallets of others are counted; None for
    one that may look into any wallet. Each element of `refused` is the account of a payer, for one
    refusal over a wallet of it. `room` has how many more each payer's account has room for, as far
    as that was asked.
    """

    counted_caller: UUID | None
    refused: list[UUID] = field(default_factory=list)
    room: dict[UUID, int] = field(default_factory=dict)


_present: ContextVar[DryRun | None] = ContextVar("dry_run", default=None)


@contextmanager
def begin_dry_run(counted_caller: UUID | None) -> Iterator[DryRun]:
    """Make everything inside a dry run."""
    run = DryRun(counted_caller)
    token = _present.set(run)
    try:
        yield run
    finally:
        _present.reset(token)


def present_dry_run() -> DryRun | None:
    """Return the dry run inside which this is called, if it is one."""
    return _present.get()


def kept(made_id: UUID) -> UUID | None:
    """Return the id of what was made just now, as an answer shows it: None if it is not kept."""
    return made_id if _present.get() is None else None
