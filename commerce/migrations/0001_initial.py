from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0001_initial"),
        ("wallets", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("transaction_id", models.UUIDField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("refunded_minor", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_minor__gte", 0),
                            ("refunded_minor__lte", models.F("amount_minor")),
                        ),
                        name="refunds_within_charge",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_credit", models.BooleanField(help_text="Put in; else taken out.")),
                ("amount_minor", models.BigIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("request_id", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("failed", "Approved, but failed"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("decision_reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField(null=True)),
                ("transaction_id", models.UUIDField(help_text="What it did, or tried.", null=True)),
                ("failure_code", models.CharField(max_length=24, null=True)),
                (
                    "decider",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallets.wallet",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["expires_at"],
                        name="asked_pending",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="asked_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decider__isnull", True),
                            models.Q(("decider", models.F("requester")), _negated=True),
                            _connector="OR",
                        ),
                        name="decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("decider__isnull", True),
                                ("failure_code__isnull", True),
                                ("status", "pending"),
                                ("transaction_id__isnull", True),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decider__isnull", False),
                                ("failure_code__isnull", True),
                                ("status", "rejected"),
                                ("transaction_id__isnull", True),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decider__isnull", False),
                                ("failure_code__isnull", True),
                                ("status", "approved"),
                                ("transaction_id__isnull", False),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decider__isnull", False),
                                ("failure_code__isnull", False),
                                ("status", "failed"),
                                ("transaction_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="decision_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LoneAdjustment",
            fields=[
                ("transaction_id", models.UUIDField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallets.asset",
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="lone_amount_positive"
                    )
                ],
            },
        ),
        run_sql_file(SQL / "refunds.sql"),
        run_sql_file(SQL / "adjustment_requests.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
