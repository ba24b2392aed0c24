"""`manage.py restore`: restore a dump into an empty database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from ledger.models import Transaction
from ledger.verification import verify_wallets
from ops import backup


class Command(BaseCommand):
    help = "Restore a dump of `manage.py backup` into an empty database and check the ledger."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_arguments: Any, file: Path, **_options: Any) -> None:
        """Restore the dump in one transaction. Ends with status 1 when the ledger has errors."""
        try:
            backup.restore(file)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write(
                "Restored a database of an older version: `manage.py migrate` upgrades it,"
                " `manage.py verify_ledger` checks it."
            )
            return
        findings = list(verify_wallets())
        for finding in findings:
            self.stderr.write(f"wallet {finding.wallet_id} {finding.problem}")
        if findings:
            raise CommandError(f"{len(findings)} findings: the ledger is NOT in order.")
        count = Transaction.objects.count()
        self.stdout.write(f"Restored {count:,} transactions; every balance agrees with them.")
