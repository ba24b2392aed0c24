from pathlib import Path

from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_current_moment"),
        ("wallets", "0003_paying_safely"),
        ("ledger", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[run_sql_file(SQL / "payment_columns.sql")],
            state_operations=[
                migrations.AddField("transaction", "paytoken_id", models.UUIDField(null=True)),
                migrations.AddField(
                    "transaction", "payment_request_id", models.UUIDField(null=True)
                ),
            ],
        ),
        run_sql_file(SQL / "order_type_v2.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
