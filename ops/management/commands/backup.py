"""`manage.py backup`: a dump of the whole database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ops import backup


class Command(BaseCommand):
    help = "Dump the database into a directory and verify the dump. Does not block the service."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="Created when missing.")
        parser.add_argument("--keep", type=int, help="Delete all but the newest KEEP dumps in it.")

    def handle(self, *_arguments: Any, directory: Path, keep: int | None, **_options: Any) -> None:
        if keep is not None and keep < 1:
            raise CommandError("--keep takes 1 or more.")
        try:
            file = backup.dump(directory)
            for old in backup.dumps(directory)[:-keep] if keep else ():
                old.unlink()
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{directory}: {error.strerror}.") from error
        self.stdout.write(f"Wrote {file}, {file.stat().st_size:,} bytes.")
