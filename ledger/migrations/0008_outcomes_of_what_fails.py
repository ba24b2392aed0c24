from pathlib import Path

from django.db import migrations

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """The release before runs on these functions too, and reads the outcome of what fails."""

    dependencies = [("ledger", "0007_token_checked_in_passing")]

    operations = [run_sql_file(SQL / "post_once.sql"), run_sql_file(SQL / "post.sql")]
