from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("wallets", "0006_created_by_the_database")]

    operations = [
        migrations.AlterField(
            model_name="wallet",
            name="updated_at",
            field=models.DateTimeField(db_default=Now(), editable=False),
        ),
    ]
