"""`manage.py trial_balance`: what people hold against what came in and went out."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.times import parse_rfc3339
from ledger.trial_balance import COLUMNS, trial_balance
from wallets.assets import to_decimal


class Command(BaseCommand):
    help = "Print the trial balance per asset, now or at a past moment. Locks nobody out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", help="A moment such as 2026-01-31T12:00:00Z; now, if left out.")

    def handle(self, *args: Any, at: str | None, **options: Any) -> None:
        """Print a line for each asset. Ends with status 1 when one does not balance."""
        lines = trial_balance(at=None if at is None else _moment(at))
        self._row(*COLUMNS)
        for line in lines:
            self._row(
                line.symbol,
                *(f"{to_decimal(minor, line.symbol):f}" for minor in line.amounts_minor),
            )
        if any(line.difference_minor for line in lines):
            self.stderr.write("The books do NOT balance.")
            raise SystemExit(1)

    def _row(self, asset: str, *amounts: str) -> None:
        self.stdout.write(f"{asset:12}" + "".join(f"{amount:>24}" for amount in amounts))


def _moment(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise CommandError("--at takes a moment such as 2026-01-31T12:00:00Z.") from error
