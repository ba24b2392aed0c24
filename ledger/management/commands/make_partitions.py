"""`manage.py make_partitions`: make the partitions of the coming months."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.partitions import MONTHS_AHEAD, make_partitions


class Command(BaseCommand):
    help = "Make the missing monthly partitions, as the worker does. Blocks no transaction."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--months",
            type=int,
            default=MONTHS_AHEAD,
            help=f"How many months ahead ({MONTHS_AHEAD}).",
        )

    def handle(self, *args: Any, months: int, **options: Any) -> None:
        made = make_partitions(months)
        for name in made:
            self.stdout.write(f"made {name}")
        self.stdout.write(f"{len(made)} partitions made; {months} months ahead are there.")
