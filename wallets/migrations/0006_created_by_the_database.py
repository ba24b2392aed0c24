from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("wallets", "0005_fewer_checks_for_many")]

    operations = [
        migrations.AlterField(
            model_name="wallet",
            name="created_at",
            field=models.DateTimeField(db_default=Now(), editable=False),
        ),
    ]
