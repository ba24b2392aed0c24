"""Showing an import: a progress bar on a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from intake.customers.imports import ImportResult, Progress
from intake.customers.rejects import rejects_path

LINE_INTERVAL_SECONDS = 5


def summary(result: ImportResult) -> str:
    """Return the result of an import in a sentence or two."""
    run = result.run
    if not result.is_new:
        return (
            f"Nothing to do: this version of {run.source} was imported already"
            f" ({run.processed:,} customers)."
        )
    text = f"Imported: {run.processed:,} customers of {run.total:,} lines."
    if run.rejected:
        text += f" {run.rejected:,} lines were rejected: see {rejects_path(run.pk)}"
    return text


class _RateMeter:
    """The speed of an import since this object was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first: Progress | None = None

    def rows_per_second(self, progress: Progress) -> float:
        if self._first is None:
            self._first = progress
        seconds = time.monotonic() - self._started
        return (progress.counts.total - self._first.counts.total) / seconds if seconds else 0

    def seconds_left(self, progress: Progress) -> float | None:
        if progress.size is None or not progress.position:
            return None
        seconds = time.monotonic() - self._started
        return seconds * (progress.size - progress.position) / progress.position


class Display(AbstractContextManager["Display"]):
    """A callable that shows the progress of an import."""

    def __call__(self, progress: Progress) -> None:
        raise NotImplementedError


class TerminalDisplay(Display):
    def __init__(self, console: Console) -> None:
        self._rates = _RateMeter()
        self._bar = Bar(
            TextColumn("Importing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=None, counts="opening the source")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        self._bar.update(
            self._task,
            total=progress.size,
            completed=progress.position,
            counts=_counts_text(progress, self._rates.rows_per_second(progress)),
        )


class PlainDisplay(Display):
    """Writes a line at the start and then one every few seconds."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._rates = _RateMeter()
        self._write = write
        self._next_line = 0.0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def __call__(self, progress: Progress) -> None:
        rate = self._rates.rows_per_second(progress)
        if time.monotonic() < self._next_line:
            return
        self._next_line = time.monotonic() + LINE_INTERVAL_SECONDS
        seconds = self._rates.seconds_left(progress)
        left = "" if seconds is None else f", {timedelta(seconds=round(seconds))} left"
        self._write(f"Importing: {_counts_text(progress, rate)}{left}")


def _counts_text(progress: Progress, rate: float) -> str:
    total, processed, rejected = progress.counts
    return f"{total:,} lines, {processed:,} customers, {rejected:,} rejected, {rate:,.0f} rows/s"
