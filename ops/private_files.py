"""Files and directories that other users of the machine can neither list, read nor lock."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(directory: Path, *, is_passable: bool, apart: set[str], locks: set[str]) -> None:
    """Create the directory, and close it and what is in it to other users.

    With `is_passable` others may go through it, to what belongs to them, and not list it. What is
    named in `apart` is left as it is. Of the files named in `locks`, one that others could open is
    made anew, because somebody may hold it. Raises `OSError`.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _set_mode(directory, 0o711 if is_passable else 0o700)
    for path in directory.iterdir():
        if path.name in apart or path.is_symlink():
            continue
        if path.name in locks and path.stat().st_mode & _OTHERS:
            path.unlink()
        else:
            close_to_others(path)


def open_private(path: Path) -> IO[str]:
    """Open the file to append to it, or to lock it; nobody else can. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "a")


def create_private(directory: Path, *, owned_like: Path) -> None:
    """Create the directory, private to the owner of `owned_like`.

    Raises `OSError`, also when another user already owns it.
    """
    try:
        directory.mkdir(mode=0o700)
        owner = owned_like.stat()
        os.chown(directory, owner.st_uid, owner.st_gid)
    except FileExistsError:
        if not has_owner_of(owned_like, directory):
            raise PermissionError(
                errno.EPERM, f"the socket's directory {directory} belongs to another user"
            ) from None
        _set_mode(directory, 0o700)


def has_owner_of(path: Path, directory: Path) -> bool:
    """Return whether the directory exists, is no link, and belongs to the owner of the path."""
    try:
        existing = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(existing.st_mode) and existing.st_uid == path.stat().st_uid


def let_others_pass(directories: Iterable[Path]) -> None:
    """Let other users go through the directories, and not list them. Raises `OSError`."""
    for directory in directories:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def let_others_read(tree: Path) -> None:
    """Let other users read a directory and all in it, and run its programs. Raises `OSError`."""
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        readable = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        path.chmod(mode | readable)


def close_to_others(path: Path) -> None:
    """Close a file to other users; a directory that they could enter, with all in it."""
    is_directory = path.is_dir()
    was_open = bool(path.stat().st_mode & _OTHERS)
    # What its owner may do stays as it is: programs stay programs.
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
    if is_directory and was_open:
        for inner in path.iterdir():
            if not inner.is_symlink():
                close_to_others(inner)


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
