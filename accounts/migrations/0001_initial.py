import uuid
from pathlib import Path

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import phonenumber_field.modelfields
from django.conf import settings
from django.db import migrations, models

from core.sql_files import run_sql_file

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("client", "Client"),
                            ("company", "Company"),
                            ("operator", "Operator"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="False once the account is erased."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Client",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="%(class)s",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("first_name", models.CharField(max_length=150)),
                ("last_name", models.CharField(max_length=150)),
                (
                    "phone_number",
                    phonenumber_field.modelfields.PhoneNumberField(max_length=128, region=None),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Company",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="%(class)s",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("first_name", models.CharField(max_length=150)),
                ("last_name", models.CharField(max_length=150)),
                (
                    "phone_number",
                    phonenumber_field.modelfields.PhoneNumberField(max_length=128, region=None),
                ),
                ("name", models.CharField(max_length=150)),
                ("url", models.URLField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SupportAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("actor_id", models.UUIDField(help_text="None: a management command.", null=True)),
                (
                    "action",
                    models.CharField(
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
                            ("add", "Add"),
                            ("change", "Change"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "subject_kind",
                    models.CharField(help_text="user, wallet, transaction, asset", max_length=16),
                ),
                ("subject_id", models.CharField(max_length=64)),
                (
                    "reason",
                    models.CharField(help_text="As the operator wrote it.", max_length=500),
                ),
                ("result", models.CharField(help_text="The result of the action.", max_length=700)),
                ("address", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["subject_id", "id"], name="support_of_subject"),
                    models.Index(fields=["actor_id", "id"], name="support_of_actor"),
                    models.Index(fields=["request_id"], name="support_of_request"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="user",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="users_by_age"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("email",), name="one_account_per_email"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                name="email_in_lower_case",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["client", "company", "operator"])),
                name="role_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("id", "role"), name="user_has_one_role"),
        ),
        run_sql_file(SQL / "token_is_valid.sql"),
        run_sql_file(SQL / "rights.sql"),
    ]
