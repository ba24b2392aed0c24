from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_search_path"),
        ("wallets", "0004_search_path"),
        ("ledger", "0002_paying_safely"),
    ]

    operations = [
        run_sql_file(SQL / "no_calls_of_0_2.sql"),
        run_sql_file(SQL / "partitions.sql"),
        run_sql_file(SQL / "history.sql"),
        run_sql_file(SQL / "statement.sql"),
        run_sql_file(SQL / "verification_runs.sql"),
        run_sql_file(SQL / "verification.sql"),
        run_sql_file(SQL / "verification_rights.sql"),
    ]
