import logging
from pathlib import Path
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.old_emails import rewrite_old_emails
from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"
logger = logging.getLogger(__name__)


def rewrite_emails(*_: Any) -> None:
    """Write what can be written in canonical form, and report the accounts that keep their address.

    By their ids: addresses are in no log.
    """
    kept = rewrite_old_emails()
    if kept:
        logger.warning(
            "Nobody can log in by the email address of these accounts: %s. `manage.py doctor` says"
            " why, and `manage.py change_email` gives another one.",
            " ".join(map(str, kept)),
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AlterField(model_name="company", name="url", field=models.URLField(null=True)),
        migrations.AddField(
            model_name="user",
            name="is_imported",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="True: made by an import, not by a sign-up.",
            ),
        ),
        migrations.CreateModel(
            name="KnownAddress",
            fields=[
                (
                    "digest",
                    models.BinaryField(
                        help_text="Of account and address, with a key.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "right_at",
                    models.DateTimeField(help_text="When it last got the password right."),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="known_addresses",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["right_at"], name="known_addresses_by_age"),
                ],
            },
        ),
        # Before the rewriting: until this commits, nobody adds an address that it does not see.
        run_sql_file(SQL / "email_in_ascii.sql"),
        migrations.RunPython(rewrite_emails),
    ]
