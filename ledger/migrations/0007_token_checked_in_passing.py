from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """What is posted at once asks about the token, and takes an end that nobody has looked at."""

    dependencies = [("accounts", "0008_token_is_valid"), ("ledger", "0006_post_once")]

    operations = [
        run_sql_file(SQL / "post.sql"),
        run_sql_file(SQL / "post_once.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
