from pathlib import Path

from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("wallets", "0005_holds_and_fees"),
        ("ledger", "0004_failed_attempts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                run_sql_file(SQL / "hold_columns.sql"),
                run_sql_file(SQL / "holds.sql"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Hold",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("payer_wallet_id", models.UUIDField()),
                        ("company_wallet_id", models.UUIDField()),
                        (
                            "amount_minor",
                            models.BigIntegerField(help_text="In all, with its increments."),
                        ),
                        ("captured_minor", models.BigIntegerField()),
                        ("released_minor", models.BigIntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("captured", "Captured"),
                                    ("voided", "Voided"),
                                    ("expired", "Expired"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("paytoken_id", models.UUIDField(null=True)),
                        ("paytoken_cap_minor", models.BigIntegerField(null=True)),
                        ("summary", models.CharField(max_length=500)),
                        ("reference", models.CharField(max_length=100, null=True)),
                        ("metadata", models.JSONField()),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                    ],
                    options={"db_table": "ledger_hold"},
                ),
                migrations.AddField("transaction", "hold_id", models.UUIDField(null=True)),
                migrations.AddField(
                    "transaction", "source_held_minor", models.BigIntegerField(null=True)
                ),
                migrations.AddField("transaction", "fee_minor", models.BigIntegerField(null=True)),
            ],
        ),
        run_sql_file(SQL / "order_type_v3.sql"),
        run_sql_file(SQL / "charge_rules.sql"),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS approval_refusal(uuid, varchar, uuid, uuid, bigint, numeric)"
        ),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS attempts_off_record(ledger_order_v2[], integer[])"
        ),
        run_sql_file(SQL / "attempts_off_record.sql"),
        run_sql_file(SQL / "hold_rules.sql"),
        run_sql_file(SQL / "complete_orders.sql"),
        run_sql_file(SQL / "post.sql"),
        run_sql_file(SQL / "post_once.sql"),
        run_sql_file(SQL / "calls_of_0_4.sql"),
        run_sql_file(SQL / "history.sql"),
        run_sql_file(SQL / "statement.sql"),
        run_sql_file(SQL / "verification.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
