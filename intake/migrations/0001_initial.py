from pathlib import Path

from django.db import migrations, models

import ledger.kinds
from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=2000)),
                (
                    "version",
                    models.CharField(
                        help_text="The source's ETag, or a content hash.", max_length=128
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("completed", "Completed")],
                        default="running",
                        max_length=9,
                    ),
                ),
                (
                    "total",
                    models.BigIntegerField(
                        default=0, help_text="Lines done; a resumed run goes on after them."
                    ),
                ),
                ("processed", models.BigIntegerField(default=0, help_text="Customers made.")),
                (
                    "rejected",
                    models.BigIntegerField(default=0, help_text="Lines that made no customer."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "heartbeat_at",
                    models.DateTimeField(help_text="Older than 30 s: it no longer runs."),
                ),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "version"), name="one_import_per_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcessorState",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                (
                    "processor_id",
                    models.UUIDField(
                        help_text="The processor that works; the others stand by.", null=True
                    ),
                ),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("current_chunk", models.JSONField(null=True)),
                ("last_chunk", models.JSONField(null=True)),
                ("completed", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0, help_text="Given up for good.")),
                (
                    "attempt_totals",
                    models.JSONField(
                        default=dict,
                        help_text='Attempts by "kind asset code": [count, sum in minor units].',
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_processor_state"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QueuedTransaction",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("caller_id", models.UUIDField(help_text="The user who sent it.")),
                ("customer_id", models.UUIDField(help_text="The user whose money it moves.")),
                (
                    "kind",
                    models.CharField(
                        choices=ledger.kinds.kind_choices,
                        max_length=12,
                    ),
                ),
                ("asset_id", models.CharField(max_length=12)),
                ("amount_minor", models.BigIntegerField()),
                ("latency_ms", models.PositiveIntegerField()),
                (
                    "source_id",
                    models.UUIDField(
                        help_text="None: the customer's wallet of the asset.", null=True
                    ),
                ),
                (
                    "target_id",
                    models.UUIDField(help_text="None: the system wallet of the kind.", null=True),
                ),
                ("summary", models.CharField(max_length=500)),
                ("request_id", models.CharField(max_length=128)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                (
                    "is_failed",
                    models.BooleanField(default=False, help_text="Its last attempt failed."),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("max_attempts", models.PositiveIntegerField()),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("error_code", models.CharField(max_length=32, null=True)),
                (
                    "transaction_id",
                    models.UUIDField(help_text="Its last attempt in the ledger.", null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("latency_ms"),
                        models.OrderBy(models.F("amount_minor"), descending=True),
                        models.F("id"),
                        condition=models.Q(
                            ("status", "pending"), ("next_attempt_at__isnull", True)
                        ),
                        name="queued_by_value",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("status", "pending"), ("next_attempt_at__isnull", True)
                        ),
                        fields=["id"],
                        name="queued_by_age",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("status", "pending"), ("next_attempt_at__isnull", False)
                        ),
                        fields=["next_attempt_at"],
                        name="queued_retries",
                    ),
                    models.Index(
                        condition=models.Q(("status", "pending"), ("source_id__isnull", False)),
                        fields=["source_id", "id"],
                        name="queued_by_source",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="queued_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("latency_ms__gt", 0)), name="queued_latency_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "completed"), _negated=True),
                            models.Q(("is_failed", False), ("transaction_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="queued_completed_has_transaction",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "INSERT INTO intake_processorstate (id, completed, failed, attempt_totals) VALUES (1, 0, 0, '{}')"
        ),
        run_sql_file(SQL / "rights.sql"),
    ]
