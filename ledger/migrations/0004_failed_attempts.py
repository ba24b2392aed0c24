from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0003_verified_by_the_database"),
    ]

    operations = [
        run_sql_file(SQL / "failed_attempts.sql"),
    ]
