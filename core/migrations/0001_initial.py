from pathlib import Path

from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        run_sql_file(SQL / "app_role.sql"),
        run_sql_file(SQL / "append_only.sql"),
        run_sql_file(SQL / "counter.sql"),
        run_sql_file(SQL / "position.sql"),
        run_sql_file(SQL / "idempotency.sql"),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("caller_id", models.UUIDField()),
                ("key", models.CharField(max_length=255)),
                (
                    "operation",
                    models.CharField(help_text="Method and path of the request.", max_length=255),
                ),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status_code", models.SmallIntegerField()),
                ("body", models.BinaryField()),
                (
                    "transaction_id",
                    models.UUIDField(
                        help_text="The transaction that the request made, if any.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_created_at")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("caller_id", "key"), name="one_key_once_per_caller"
                    )
                ],
            },
        ),
        run_sql_file(SQL / "job_rights.sql"),
    ]
