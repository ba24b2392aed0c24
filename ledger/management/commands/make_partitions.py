"""`manage.py make_partitions`: the months that transactions will fall into."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection


class Command(BaseCommand):
    help = "Make the missing monthly partitions of the ledger. Blocks nobody; run it every month."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--months", type=int, default=24, help="How many months ahead (24).")

    def handle(self, *args: Any, months: int, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT make_transaction_partitions(%s)", [months])
            made = [name for (name,) in cursor.fetchall()]
        for name in made:
            self.stdout.write(f"made {name}")
        self.stdout.write(f"{len(made)} partitions made; {months} months ahead are there.")
