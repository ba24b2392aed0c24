from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("core", "0005_action_is_the_word")]

    operations = [run_sql_file(SQL / "record_answer.sql")]
