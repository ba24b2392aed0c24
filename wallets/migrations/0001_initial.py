import uuid
from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import wallets.models
from core.sql_files import run_sql_file
from wallets.assets import system_wallet_id

SQL = Path(__file__).resolve().parent.parent / "sql"


#: The cash assets of every installation; operators add more in the admin.
CASH = (("USD", "US dollar", 2), ("EUR", "Euro", 2))
#: Of this release: a later purpose makes its system wallets in a migration of its own.
PURPOSES = ("funding", "promotions", "revenue")


def create_cash_assets(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for symbol, name, decimals in CASH:
        asset = apps.get_model("wallets", "Asset").objects.create(
            symbol=symbol, name=name, decimals=decimals, is_cash=True
        )
        for purpose in PURPOSES:
            apps.get_model("wallets", "Wallet").objects.create(
                id=system_wallet_id(symbol, purpose), asset=asset, purpose=purpose
            )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Asset",
            fields=[
                ("symbol", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                (
                    "decimals",
                    models.PositiveSmallIntegerField(
                        help_text="Digits after the point; they never change."
                    ),
                ),
                (
                    "is_cash",
                    models.BooleanField(help_text="Whether people may deposit and withdraw it."),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("decimals__lte", 8)), name="decimals_at_most_8"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("symbol", django.db.models.functions.text.Upper("symbol"))
                        ),
                        name="symbol_upper_case",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Wallet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "owner_role",
                    models.CharField(
                        choices=[
                            ("client", "Client"),
                            ("company", "Company"),
                            ("operator", "Operator"),
                        ],
                        max_length=8,
                        null=True,
                    ),
                ),
                (
                    "slot",
                    models.PositiveIntegerField(
                        help_text="Which of its owner's cash wallets this is, counted from 1.",
                        null=True,
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=wallets.models.purpose_choices,
                        max_length=10,
                        null=True,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("frozen", "Frozen"), ("closed", "Closed")],
                        default="active",
                        max_length=6,
                    ),
                ),
                ("balance_minor", models.BigIntegerField(null=True)),
                (
                    "held_minor",
                    models.BigIntegerField(
                        default=0, help_text="The part of the balance that is held."
                    ),
                ),
                (
                    "version",
                    models.BigIntegerField(
                        default=0, help_text="How many completed entries it has."
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "asset",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallets.asset",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="None: a system wallet.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wallets",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("frozen", "Frozen"), ("closed", "Closed")],
                        max_length=6,
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="status_changes",
                        to="wallets.wallet",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("balance_minor__isnull", False),
                        ("owner__isnull", False),
                        ("owner_role__isnull", False),
                        ("purpose__isnull", True),
                    ),
                    models.Q(
                        ("balance_minor__isnull", True),
                        ("held_minor", 0),
                        ("owner__isnull", True),
                        ("owner_role__isnull", True),
                        ("purpose__isnull", False),
                        ("slot__isnull", True),
                        ("status", "active"),
                        ("version", 0),
                    ),
                    _connector="OR",
                ),
                name="either_owned_or_system",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("held_minor__gte", 0),
                    models.Q(
                        ("balance_minor__isnull", True),
                        ("balance_minor__gte", models.F("held_minor")),
                        _connector="OR",
                    ),
                ),
                name="held_within_balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("version__gte", 0)), name="version_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("version__gt", 0),
                    ("balance_minor", 0),
                    ("balance_minor__isnull", True),
                    _connector="OR",
                ),
                name="balance_needs_entry",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "frozen", "closed"])),
                name="status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.UniqueConstraint(
                fields=("owner", "slot"), name="one_cash_wallet_per_slot"
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("owner_role", "company"), _negated=True),
                    ("slot__isnull", True),
                    ("slot", 1),
                    _connector="OR",
                ),
                name="one_wallet_per_company",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.UniqueConstraint(
                condition=models.Q(("purpose__isnull", False)),
                fields=("asset", "purpose"),
                name="one_system_wallet_per_purpose",
            ),
        ),
        run_sql_file(SQL / "constraints.sql"),
        run_sql_file(SQL / "rights.sql"),
        migrations.RunPython(create_cash_assets, migrations.RunPython.noop),
    ]
