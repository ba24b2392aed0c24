from pathlib import Path

import django.contrib.postgres.functions
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """Of its own, because the address makes PostgreSQL write the table anew under its lock."""

    dependencies = [
        ("wallets", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="wallet",
            name="address",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                editable=False,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="wallet",
            name="charges",
            field=models.CharField(
                choices=[
                    ("open", "Open: every company that knows the token"),
                    ("approved", "Approved: companies that the owner approved"),
                    ("paytoken", "Pay token: none"),
                ],
                db_default="open",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="wallet",
            name="label",
            field=models.CharField(
                db_default="", help_text="The owner's own name for it.", max_length=60
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("charges__in", ["open", "approved", "paytoken"])),
                name="charges_is_known",
            ),
        ),
    ]
