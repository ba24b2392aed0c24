from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [run_sql_file(SQL / "job_rights.sql")]
