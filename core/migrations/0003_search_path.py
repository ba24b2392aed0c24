from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_current_moment"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        run_sql_file(SQL / "append_only.sql"),
        run_sql_file(SQL / "idempotency.sql"),
        run_sql_file(SQL / "current_moment.sql"),
        run_sql_file(SQL / "search_path.sql"),
        run_sql_file(SQL / "database_rights.sql"),
    ]
