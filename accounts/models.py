"""Users, their profiles, and the record of what operators do.

A user is a client, a company or an operator; the role never changes. A profile holds personal data
in a table of its own, so that it can be erased while the ledger stays.
"""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Lower, Now
from phonenumber_field.modelfields import PhoneNumberField

NAME_CHARACTERS = 150


class Role(models.TextChoices):
    CLIENT = "client"
    COMPANY = "company"
    OPERATOR = "operator"


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, *, role: str, **fields: Any
    ) -> "User":
        """Create a user; without a password the user cannot log in."""
        user = self.model(email=email.lower(), role=role, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """Create an operator with all permissions in the admin (for `createsuperuser`)."""
        return self.create_user(email, password, role=Role.OPERATOR, is_superuser=True)


class User(AbstractBaseUser, PermissionsMixin):
    """An account: an email address, a password, a role. The API calls its id the customer's id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Role)
    is_active = models.BooleanField(default=True, help_text="False once the account is erased.")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    #: By group (`writes`, `reads`), where the account has limits of its own and whoever looked the
    #: user up asked for them.
    requests_a_minute: Mapping[str, int] = MappingProxyType({})

    class Meta:
        constraints = (
            # Addresses are stored in lower case, so that one index finds them in any case.
            # `unique=True` would add a second index, for prefix searches.
            models.UniqueConstraint(fields=["email"], name="one_account_per_email"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_in_lower_case"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
            # The target of the wallets' foreign key on owner and role (see wallets.models).
            models.UniqueConstraint(fields=["id", "role"], name="user_has_one_role"),
        )
        # Rows are stored in the order of their creation, so BRIN costs a sign-up nothing.
        indexes = (BrinIndex(fields=["created_at"], name="users_by_age", autosummarize=True),)

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Whether the user may enter the admin."""
        return self.role == Role.OPERATOR


class Person(models.Model):
    """The personal data of an account."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="%(class)s"
    )
    first_name = models.CharField(max_length=NAME_CHARACTERS)
    last_name = models.CharField(max_length=NAME_CHARACTERS)
    phone_number = PhoneNumberField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class Client(Person):
    """A person who holds wallets."""


class Company(Person):
    """A merchant, and the person who represents it."""

    name = models.CharField(max_length=NAME_CHARACTERS)
    url = models.URLField()

    def __str__(self) -> str:
        return self.name


class OwnLimits(models.Model):
    """How many requests an account may send in a minute, where operators gave it its own limits.

    The row stays when they take them back: processes find by `changed_at` what has changed.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="own_limits"
    )
    writes = models.PositiveIntegerField(null=True, help_text="None: the limit of all accounts.")
    reads = models.PositiveIntegerField(null=True, help_text="None: the limit of all accounts.")
    changed_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = (
            # NULL passes.
            models.CheckConstraint(
                name="own_limits_positive",
                condition=models.Q(writes__gt=0) & models.Q(reads__gt=0),
            ),
        )

    def __str__(self) -> str:
        return f"writes {self.writes or 'default'}, reads {self.reads or 'default'}"


class Action(models.TextChoices):
    """An action in the admin, or on an operator's account."""

    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    SECOND_FACTOR_SET_UP = "second_factor_set_up"
    SECOND_FACTOR_PASSED = "second_factor_passed"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_RESET = "second_factor_reset"
    BACKUP_CODES_MADE = "backup_codes_made"
    LIMITS_SET = "limits_set"
    PASSWORD_SET = "password_set"  # noqa: S105 (no password)
    VIEW = "view"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    ADJUST = "adjust"
    ADJUSTMENT_REFUSED = "adjustment_refused"
    ADJUSTMENT_ASKED = "adjustment_asked"
    ADJUSTMENT_APPROVED = "adjustment_approved"
    ADJUSTMENT_REJECTED = "adjustment_rejected"
    ADD = "add"
    CHANGE = "change"


def action_choices() -> list[tuple[str, str]]:
    """Return the choices of a model's field: by name, so that a new action needs no migration."""
    return Action.choices


class SupportAction(models.Model):
    """The record of one operator's action: on what, why and from where.

    It is kept permanently: the database refuses to change or delete one. It identifies people by
    their ids only.
    """

    actor_id = models.UUIDField(null=True, help_text="None: a management command.")
    action = models.CharField(max_length=24, choices=action_choices)
    subject_kind = models.CharField(max_length=16, help_text="user, wallet, transaction, asset")
    subject_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, help_text="As the operator wrote it.")
    result = models.CharField(max_length=700, help_text="The result of the action.")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=["subject_id", "id"], name="support_of_subject"),
            models.Index(fields=["actor_id", "id"], name="support_of_actor"),
            models.Index(fields=["request_id"], name="support_of_request"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.subject_id}"
