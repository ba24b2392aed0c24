from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_holds_and_groups"),
    ]

    operations = [
        run_sql_file(SQL / "validate_hold_columns.sql"),
        run_sql_file(SQL / "no_calls_of_0_3.sql"),
    ]
