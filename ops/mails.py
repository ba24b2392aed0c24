"""The demo's mails: files that only their owner can read."""

import os
from pathlib import Path
from typing import Any

from django.core.mail.backends import filebased

from ops.private_files import close_to_others


class PrivateFileBackend(filebased.EmailBackend):
    """Django's mails as files, in a directory that only its owner can enter."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        close_to_others(Path(self.file_path))

    def _get_filename(self) -> str:
        """Return the file's name; the file exists, and only its owner can read it."""
        name = str(super()._get_filename())  # type: ignore[misc]  # not in the stubs
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600))
        return name
