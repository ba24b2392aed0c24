from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_operator_kinds"),
    ]

    operations = [
        run_sql_file(SQL / "token_is_valid.sql"),
        run_sql_file(SQL / "account_rights.sql"),
    ]
