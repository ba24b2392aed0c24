from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0006_holds_validated"),
    ]

    operations = [
        run_sql_file(SQL / "dry_refusals.sql"),
    ]
