"""The file of the lines that made no customer: `<DATA_DIR>/rejects/<run>.jsonl`."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from django.conf import settings


class RejectsUnwritable(Exception):
    """The rejects cannot be written. Its text is one sentence that names the file."""


class Reject(NamedTuple):
    """A line (counted from 1), why it made no customer, and its text as bytes."""

    line: int
    reason: str
    text: bytes


def rejects_path(run_id: int) -> Path:
    """Return the path of a run's rejects. The file exists once a line is rejected."""
    directory: Path = settings.DATA_DIR / "rejects"
    return directory / f"{run_id}.jsonl"


class RejectsFile:
    """The rejects of a run, in step with the database: a batch's are written before its commit.

    Rejects of a batch that was not committed are cut off by the next `truncate` or `write`. Both
    raise `RejectsUnwritable`.
    """

    def __init__(self, run_id: int) -> None:
        self.path = rejects_path(run_id)
        self._file: IO[bytes] | None = None
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def truncate(self, rejected: int) -> None:
        """Keep the first `rejected` lines, which are committed, and cut off the rest."""
        with self._errors_translated():
            if not rejected and not self.path.exists():
                return
            file = self._open()
            for _ in range(rejected):
                file.readline()
            self._end = file.tell()
            file.truncate(self._end)

    def write(self, rejects: Sequence[Reject]) -> None:
        """Write a batch's rejects to disk. They replace those written since the last `commit`."""
        if not rejects and self._file is None:
            return
        with self._errors_translated():
            file = self._open()
            file.seek(self._end)
            file.truncate()
            for reject in rejects:
                file.write(_json_line(reject))
            file.flush()
            os.fsync(file.fileno())

    def commit(self) -> None:
        """Note that the rejects written last are committed."""
        if self._file is not None:
            self._end = self._file.seek(0, os.SEEK_END)

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RejectsUnwritable(
                f"The rejected lines cannot be written to {self.path}: {error.strerror}."
            ) from error

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Personal data: only the file's owner may read it.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            self._file = os.fdopen(descriptor, "r+b")
        return self._file


def _json_line(reject: Reject) -> bytes:
    text = reject.text.decode("utf-8", "backslashreplace").rstrip("\r\n")
    fields = {"line": reject.line, "reason": reject.reason, "text": text}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
