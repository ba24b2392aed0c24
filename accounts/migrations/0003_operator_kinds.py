from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_canonical_emails")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="operator_kind",
            field=models.CharField(
                choices=[("staff", "Staff"), ("platform", "Platform")],
                help_text="None: no operator.",
                max_length=8,
                null=True,
            ),
        ),
        # Whoever has a password could enter the admin: they are the staff.
        migrations.RunSQL(
            "UPDATE accounts_user SET operator_kind ="
            " CASE WHEN password LIKE '!%' THEN 'platform' ELSE 'staff' END"
            " WHERE role = 'operator'",
            migrations.RunSQL.noop,
        ),
        run_sql_file(SQL / "operator_kinds.sql"),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                name="operators_have_a_kind",
                condition=(
                    Q(role="operator", operator_kind__isnull=False)
                    & Q(operator_kind__in=["staff", "platform"])
                )
                | (~Q(role="operator") & Q(operator_kind__isnull=True)),
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                name="platforms_have_no_password",
                condition=Q(operator_kind__isnull=True)
                | Q(operator_kind="staff")
                | Q(password__startswith="!"),  # noqa: S106
            ),
        ),
        migrations.AlterField(
            model_name="supportaction",
            name="action",
            field=models.CharField(
                choices=[
                    ("log_in", "Log In"),
                    ("log_in_failed", "Log In Failed"),
                    ("log_out", "Log Out"),
                    ("second_factor_set_up", "Second Factor Set Up"),
                    ("second_factor_passed", "Second Factor Passed"),
                    ("second_factor_failed", "Second Factor Failed"),
                    ("second_factor_reset", "Second Factor Reset"),
                    ("backup_codes_made", "Backup Codes Made"),
                    ("password_set", "Password Set"),
                    ("view", "View"),
                    ("freeze", "Freeze"),
                    ("unfreeze", "Unfreeze"),
                    ("adjust", "Adjust"),
                    ("adjustment_refused", "Adjustment Refused"),
                    ("adjustment_asked", "Adjustment Asked"),
                    ("adjustment_approved", "Adjustment Approved"),
                    ("adjustment_rejected", "Adjustment Rejected"),
                    ("move", "Move by the API"),
                    ("move_refused", "Move by the API refused"),
                    ("add", "Add"),
                    ("change", "Change"),
                    ("remove", "Remove"),
                ],
                max_length=24,
            ),
        ),
    ]
