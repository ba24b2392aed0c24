import uuid
from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("commerce", "0001_initial"),
        ("wallets", "0003_paying_safely"),
        ("ledger", "0002_paying_safely"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "amount_minor",
                    models.BigIntegerField(help_text="None: the payer names one.", null=True),
                ),
                ("takes_tips", models.BooleanField(default=False)),
                ("summary", models.CharField(max_length=500)),
                ("reference", models.CharField(max_length=100, null=True)),
                ("metadata", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("paid", "Paid"),
                            ("expired", "Expired"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="open",
                        default="open",
                        max_length=9,
                    ),
                ),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("paid_at", models.DateTimeField(null=True)),
                ("paid_minor", models.BigIntegerField(help_text="With the tip.", null=True)),
                ("tip_minor", models.BigIntegerField(null=True)),
                ("payer_wallet_id", models.UUIDField(null=True)),
                ("transaction_id", models.UUIDField(null=True)),
                (
                    "payee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallets.wallet",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["payee", "created_at", "id"], name="requests_of_payee"),
                    models.Index(fields=["wallet", "created_at"], name="requests_of_wallet"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__isnull", True), ("amount_minor__gt", 0), _connector="OR"
                        ),
                        name="requested_amount_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("cancelled_at__isnull", True),
                                ("paid_at__isnull", True),
                                ("status", "open"),
                            ),
                            models.Q(
                                ("cancelled_at__isnull", False),
                                ("paid_at__isnull", True),
                                ("status", "cancelled"),
                            ),
                            models.Q(
                                ("cancelled_at__isnull", True),
                                ("paid_at__isnull", False),
                                ("status", "paid"),
                            ),
                            _connector="OR",
                        ),
                        name="request_status_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("paid_at__isnull", True),
                                ("paid_at__lt", models.F("expires_at")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cancelled_at__isnull", True),
                                ("cancelled_at__lt", models.F("expires_at")),
                                _connector="OR",
                            ),
                        ),
                        name="request_ended_in_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("paid_at__isnull", True),
                                ("paid_minor__isnull", True),
                                ("payer_wallet_id__isnull", True),
                                ("tip_minor__isnull", True),
                                ("transaction_id__isnull", True),
                            ),
                            models.Q(
                                ("paid_at__isnull", False),
                                ("paid_minor__gt", 0),
                                ("paid_minor__isnull", False),
                                ("payer_wallet_id__isnull", False),
                                ("tip_minor__gte", 0),
                                ("tip_minor__isnull", False),
                                ("transaction_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="request_payment_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("paid_minor__isnull", True),
                            models.Q(
                                models.Q(
                                    ("amount_minor__isnull", True),
                                    (
                                        "paid_minor",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_minor"), "+", models.F("tip_minor")
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                                models.Q(("takes_tips", True), ("tip_minor", 0), _connector="OR"),
                                ("paid_minor__gt", models.F("tip_minor")),
                            ),
                            _connector="OR",
                        ),
                        name="request_paid_as_asked",
                    ),
                ],
            },
        ),
        run_sql_file(SQL / "payment_requests.sql"),
    ]
