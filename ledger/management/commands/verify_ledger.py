"""`manage.py verify_ledger`: whether the books agree with themselves."""

from typing import Any

from django.core.management.base import BaseCommand

from ledger.verification import verify_ledger


class Command(BaseCommand):
    help = "Recompute every balance and version from the transactions. Locks nobody out."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each wallet that is off. Ends with status 1 when there is one."""
        findings = 0
        for findings, finding in enumerate(verify_ledger(), start=1):  # noqa: B007
            self.stderr.write(f"wallet {finding.wallet_id} {finding.problem}")
        if findings:
            self.stderr.write(f"{findings} findings: the ledger is NOT in order.")
            raise SystemExit(1)
        self.stdout.write("Every balance and version agrees with the transactions.")
