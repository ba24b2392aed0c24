from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Addresses in lower case are unique whatever their case: the second index says no more."""

    dependencies = [
        ("accounts", "0006_email_in_lower_case"),
    ]

    operations = [
        # None is known; the service has always written them so.
        migrations.RunSQL(
            "UPDATE accounts_user SET email = lower(email) WHERE email <> lower(email)",
            migrations.RunSQL.noop,
        ),
        ValidateConstraint(model_name="user", name="email_in_lower_case"),
        migrations.RemoveConstraint(model_name="user", name="email_taken"),
    ]
