"""Where a run keeps its files: on a disk of its own that is small enough to be filled."""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: Room for the database and its log, and little more.
DISK_BYTES = 1_536 * 1024 * 1024
_NEW_NAMESPACE_OF_MOUNTS = 0x00020000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Workdir:
    """A directory. `is_disk`: it is a disk of its own, which no other process sees."""

    directory: Path
    is_disk: bool

    @property
    def _filler(self) -> Path:
        return self.directory / "filler"

    def fill(self) -> None:
        """Leave no byte free. Only for a disk of its own."""
        if not self.is_disk:
            raise AssertionError("other files are on this disk")
        with self._filler.open("wb") as filler, suppress(OSError):
            while True:
                free = shutil.disk_usage(self.directory).free
                os.posix_fallocate(
                    filler.fileno(), filler.seek(0, os.SEEK_END), max(free, _PIECE // 1024)
                )
                filler.seek(0, os.SEEK_END)

    def free(self) -> None:
        """Free the space again."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def a_workdir() -> Iterator[Workdir]:
    """Make the directory; delete it in the end. As root, it is a disk in memory."""
    with tempfile.TemporaryDirectory(prefix="wallet-prove-") as directory:
        is_disk = _mount(directory)
        try:
            yield Workdir(Path(directory), is_disk)
        finally:
            if is_disk:
                _libc().umount2(directory.encode(), 2)


def _mount(directory: str) -> bool:
    """Mount a small disk that only this process and its children see, and that ends with them."""
    libc = _libc()
    if os.geteuid() != 0 or libc is None:
        return False
    if libc.unshare(_NEW_NAMESPACE_OF_MOUNTS):
        return False
    if libc.mount(None, b"/", None, _PRIVATE | _RECURSIVE, None):
        return False
    options = f"size={DISK_BYTES},mode=0711".encode()
    return bool(libc.mount(b"tmpfs", directory.encode(), b"tmpfs", 0, options) == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
