"""Who calls, who owns.

A user is a client, a company or an operator, for good. A profile holds personal data, apart from
the user, so that it can be erased while the ledger stays.
"""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Lower
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
        """Create a user; without a password nobody can log in as them."""
        user = self.model(email=email.lower(), role=role, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None) -> "User":
        """Create an operator who may do everything in the admin (for `createsuperuser`)."""
        return self.create_user(email, password, role=Role.OPERATOR, is_superuser=True)


class User(AbstractBaseUser, PermissionsMixin):
    """An account: an email address, a password, a role. Its id is the customer's id outside."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Role)
    is_active = models.BooleanField(default=True, help_text="False once the account is erased.")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = (
            # Kept in lower case, so that one index finds an address and knows no case.
            # `unique=True` would make a second one, for searches by how an address begins.
            models.UniqueConstraint(fields=["email"], name="one_account_per_email"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_in_lower_case"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
            # Lets a wallet carry its owner's role in one foreign key (see wallets.models).
            models.UniqueConstraint(fields=["id", "role"], name="user_has_one_role"),
        )
        # Rows lie in the order of their time: summaries of page ranges cost a sign-up nothing.
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
    """A merchant, and the person who answers for it."""

    name = models.CharField(max_length=NAME_CHARACTERS)
    url = models.URLField()

    def __str__(self) -> str:
        return self.name


class Action(models.TextChoices):
    """What somebody does in the admin, or to an operator's account."""

    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    SECOND_FACTOR_SET_UP = "second_factor_set_up"
    SECOND_FACTOR_PASSED = "second_factor_passed"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_RESET = "second_factor_reset"
    BACKUP_CODES_MADE = "backup_codes_made"
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


class SupportAction(models.Model):
    """That an operator did something, to what, why and from where. Kept for good.

    The database refuses to change or delete one. It names people by their ids only.
    """

    actor_id = models.UUIDField(null=True, help_text="None: a management command.")
    action = models.CharField(max_length=24, choices=Action)
    subject_kind = models.CharField(max_length=16, help_text="user, wallet, transaction, asset")
    subject_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, help_text="In the words of who did it.")
    result = models.CharField(max_length=700, help_text="What became of it.")
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
