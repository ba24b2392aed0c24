from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    """The rule first, and what was written before it; the next one looks at all of it."""

    dependencies = [
        ("accounts", "0005_users_by_age"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_in_lower_case"
            ),
        ),
    ]
