"""`manage.py verify_ledger`: whether the books agree with themselves."""

from typing import Any

from django.core.management.base import BaseCommand

from ledger.trial_balance import Line
from ledger.verification import Finding, verify_ledger


class Command(BaseCommand):
    help = "Recompute every balance and version from the transactions. Locks nobody out."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each fault, and record the result. Ends with status 1 when there is one.

        A fault is a wallet that is off, or an asset that does not balance.
        """
        verification = verify_ledger(self._report)
        if not verification.is_in_order:
            faults = verification.findings + verification.unbalanced_assets
            self.stderr.write(f"{faults} findings: the ledger is NOT in order.")
            raise SystemExit(1)
        self.stdout.write("Every balance and version agrees with the transactions.")

    def _report(self, fault: Finding | Line) -> None:
        if isinstance(fault, Finding):
            self.stderr.write(f"wallet {fault.wallet_id} {fault.problem}")
        else:
            self.stderr.write(
                f"asset {fault.symbol} is off balance by {fault.difference_minor} minor units"
            )
