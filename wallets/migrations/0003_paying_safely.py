import uuid
from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("wallets", "0002_addresses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("max_amount_minor", models.BigIntegerField(help_text="Of one charge.", null=True)),
                (
                    "max_per_day_minor",
                    models.BigIntegerField(help_text="In any 24 hours.", null=True),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PayToken",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("max_amount_minor", models.BigIntegerField(help_text="Of one use.", null=True)),
                ("uses", models.PositiveSmallIntegerField(help_text="How many it was made for.")),
                ("uses_left", models.PositiveSmallIntegerField()),
                ("salt", models.BinaryField(max_length=16)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="approval",
            name="company",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="wallet",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="wallets.wallet",
            ),
        ),
        migrations.AddField(
            model_name="paytoken",
            name="company",
            field=models.ForeignKey(
                db_index=False,
                help_text="The only company that may use it. None: any.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="paytoken",
            name="wallet",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="wallets.wallet",
            ),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["wallet", "created_at"], name="approvals_of_wallet"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["company", "created_at"], name="approvals_of_company"),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("wallet", "company"),
                name="one_approval_per_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("max_amount_minor__isnull", True),
                        ("max_amount_minor__gt", 0),
                        _connector="OR",
                    ),
                    models.Q(
                        ("max_per_day_minor__isnull", True),
                        ("max_per_day_minor__gt", 0),
                        _connector="OR",
                    ),
                ),
                name="approved_amounts_positive",
            ),
        ),
        migrations.AddIndex(
            model_name="paytoken",
            index=models.Index(fields=["wallet", "created_at"], name="paytokens_of_wallet"),
        ),
        migrations.AddIndex(
            model_name="paytoken",
            index=models.Index(fields=["expires_at"], name="paytokens_by_expiry"),
        ),
        migrations.AddConstraint(
            model_name="paytoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("uses_left__gte", 0),
                    ("uses_left__lte", models.F("uses")),
                    ("uses__gte", 1),
                    ("uses__lte", 100),
                ),
                name="uses_left_within_uses",
            ),
        ),
        migrations.AddConstraint(
            model_name="paytoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_amount_minor__isnull", True), ("max_amount_minor__gt", 0), _connector="OR"
                ),
                name="paytoken_amount_positive",
            ),
        ),
        run_sql_file(SQL / "endings.sql"),
        run_sql_file(SQL / "charge_rights.sql"),
    ]
