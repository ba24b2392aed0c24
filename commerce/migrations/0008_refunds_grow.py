from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("commerce", "0007_lone_adjustments")]

    operations = [run_sql_file(SQL / "refunds.sql")]
