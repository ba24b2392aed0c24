"""`manage.py trial_balance`: balances of wallets against those of the system wallets."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.times import parse_rfc3339
from ledger.trial_balance import COLUMNS, trial_balance
from wallets.assets import to_decimal


class Command(BaseCommand):
    help = "Print the trial balance per asset, now or at a past time. Takes no locks on wallets."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", help="A time such as 2026-01-31T12:00:00Z; default: now.")

    def handle(self, *args: Any, at: str | None, **options: Any) -> None:
        """Print a line for each asset. Exits with status 1 when an asset does not balance."""
        lines = trial_balance(at=None if at is None else _parse_time(at))
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


def _parse_time(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise CommandError("--at takes a time such as 2026-01-31T12:00:00Z.") from error
