"""`manage.py verify_ledger`: check balances and versions against the transactions."""

from typing import Any

from django.core.management.base import BaseCommand

from ledger.trial_balance import Line
from ledger.verification import Finding, verify_ledger


class Command(BaseCommand):
    help = "Recompute every balance and version from the transactions. Takes no locks on wallets."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each fault and record the result. Exits with status 1 on a fault.

        A fault is an inconsistent wallet, or an asset that does not balance.
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
