from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_one_index_for_an_address")]

    operations = [run_sql_file(SQL / "admin_log.sql")]
