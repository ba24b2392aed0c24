from pathlib import Path

from django.db import migrations, models

import ledger.kinds
from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("wallets", "0001_initial"),
    ]

    operations = [
        run_sql_file(SQL / "transactions.sql"),
        run_sql_file(SQL / "partitions.sql"),
        migrations.RunSQL("SELECT make_transaction_partitions(24)"),
        run_sql_file(SQL / "order_type.sql"),
        run_sql_file(SQL / "history.sql"),
        run_sql_file(SQL / "statement.sql"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        ("transaction_id", models.UUIDField(primary_key=True, serialize=False)),
                        ("wallet_id", models.UUIDField()),
                        ("counterparty_id", models.UUIDField()),
                        (
                            "direction",
                            models.CharField(
                                choices=ledger.kinds.kind_choices,
                                max_length=12,
                            ),
                        ),
                        ("asset_id", models.CharField(max_length=12)),
                        ("amount_minor", models.BigIntegerField()),
                        ("balance_after_minor", models.BigIntegerField(null=True)),
                        ("version", models.BigIntegerField(null=True)),
                        (
                            "failure_code",
                            models.CharField(
                                choices=[
                                    ("wallet_not_active", "Wallet Not Active"),
                                    ("insufficient_funds", "Insufficient Funds"),
                                    ("balance_limit", "Balance Limit"),
                                ],
                                max_length=24,
                                null=True,
                            ),
                        ),
                        ("summary", models.CharField(max_length=500)),
                        ("actor_id", models.UUIDField(null=True)),
                        ("request_id", models.CharField(max_length=128)),
                        ("origin_id", models.UUIDField(null=True)),
                        ("created_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "ledger_entry",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Transaction",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        (
                            "kind",
                            models.CharField(
                                choices=ledger.kinds.kind_choices,
                                max_length=12,
                            ),
                        ),
                        ("asset_id", models.CharField(max_length=12)),
                        ("amount_minor", models.BigIntegerField()),
                        ("source_id", models.UUIDField()),
                        ("target_id", models.UUIDField()),
                        ("source_is_system", models.BooleanField()),
                        ("target_is_system", models.BooleanField()),
                        ("source_balance_minor", models.BigIntegerField(null=True)),
                        ("target_balance_minor", models.BigIntegerField(null=True)),
                        ("source_version", models.BigIntegerField(null=True)),
                        ("target_version", models.BigIntegerField(null=True)),
                        (
                            "failure_code",
                            models.CharField(
                                choices=[
                                    ("wallet_not_active", "Wallet Not Active"),
                                    ("insufficient_funds", "Insufficient Funds"),
                                    ("balance_limit", "Balance Limit"),
                                ],
                                max_length=24,
                                null=True,
                            ),
                        ),
                        ("summary", models.CharField(max_length=500)),
                        ("actor_id", models.UUIDField(null=True)),
                        ("request_id", models.CharField(max_length=128)),
                        ("origin_id", models.UUIDField(null=True)),
                        ("group_id", models.UUIDField(null=True)),
                        ("created_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "ledger_transaction",
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("finished_at", models.DateTimeField(auto_now_add=True)),
                ("seconds", models.FloatField()),
                ("findings", models.PositiveIntegerField(help_text="Inconsistent wallets.")),
                ("unbalanced_assets", models.PositiveIntegerField()),
            ],
        ),
        run_sql_file(SQL / "rights.sql"),
    ]
