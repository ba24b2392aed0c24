from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """A movement, its key and its answer in one statement."""

    dependencies = [("core", "0006_record_answer"), ("ledger", "0005_verification_rights")]

    operations = [
        run_sql_file(SQL / "post.sql"),
        run_sql_file(SQL / "post_once.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
