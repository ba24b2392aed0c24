import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

import accounts.models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_operator_kinds"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnLimits",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="own_limits",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "writes",
                    models.PositiveIntegerField(
                        help_text="None: the limit of all accounts.", null=True
                    ),
                ),
                (
                    "reads",
                    models.PositiveIntegerField(
                        help_text="None: the limit of all accounts.", null=True
                    ),
                ),
                ("changed_at", models.DateTimeField(db_default=Now(), db_index=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("writes__gt", 0), ("reads__gt", 0)),
                        name="own_limits_positive",
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="supportaction",
            name="action",
            field=models.CharField(choices=accounts.models.action_choices, max_length=24),
        ),
    ]
