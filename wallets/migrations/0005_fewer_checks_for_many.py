from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("wallets", "0004_closed_for_good")]

    operations = [
        # The slots' index begins with the owner, too, and an owner has few wallets.
        migrations.RemoveIndex(model_name="wallet", name="wallets_of_owner"),
        run_sql_file(SQL / "owner_checked_at_commit.sql"),
        run_sql_file(SQL / "new_wallets.sql"),
        run_sql_file(SQL / "assets_for_good.sql"),
        migrations.AlterField(
            model_name="wallet",
            name="asset",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="wallets.asset",
            ),
        ),
    ]
