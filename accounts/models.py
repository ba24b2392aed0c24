"""Users, their profiles, and the record of what operators do.

A user is a client, a company or an operator, and an operator is staff or a platform; neither ever
changes. A profile holds personal data in a table of its own, so that it can be erased while the
ledger stays.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Lower, Now
from phonenumber_field.modelfields import PhoneNumberField

from accounts.email_addresses import canonical_email
from core.texts import password_form

NAME_CHARACTERS = 150


class Role(models.TextChoices):
    CLIENT = "client"
    COMPANY = "company"
    OPERATOR = "operator"


class OperatorKind(models.TextChoices):
    """What an operator is, for good.

    Staff are people: they have a password and the admin, and move little money without a second
    person. A platform is a server: it never has a password, and moves its users' credits.
    """

    STAFF = "staff"
    PLATFORM = "platform"


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, *, role: str, **fields: Any
    ) -> "User":
        """Create a user; without a password the user cannot log in.

        Whoever passes a password has checked it with `services.check_new_password`. Raises
        `ValueError` for an address that has no canonical form.
        """
        user = self.model(email=canonical_email(email), role=role, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def with_email(self, text: str) -> models.QuerySet["User"]:
        """Return the accounts that somebody may mean by an address, for those who search.

        There may be two: an account of before 0.4.0 may have the address as it was typed. That
        one comes first.
        """
        forms = {text.lower()}
        with suppress(ValueError):
            forms.add(canonical_email(text))
        return self.filter(email__in=forms).order_by(
            models.Case(models.When(email=text.lower(), then=0), default=1)
        )


class User(AbstractBaseUser, PermissionsMixin):
    """An account: an email address, a password, a role. The API calls its id the customer's id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Role)
    operator_kind = models.CharField(
        max_length=8, choices=OperatorKind, null=True, help_text="None: no operator."
    )
    is_active = models.BooleanField(default=True, help_text="False once the account is erased.")
    created_at = models.DateTimeField(auto_now_add=True)
    is_imported = models.BooleanField(
        default=False, db_default=False, help_text="True: made by an import, not by a sign-up."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    #: By group (`writes`, `reads`), where the account has limits of its own and whoever looked the
    #: user up asked for them.
    requests_a_minute: Mapping[str, int] = MappingProxyType({})

    class Meta:
        constraints = (
            # Addresses are stored in their canonical form (see `email_addresses`), so that one
            # index finds them however they are typed. A trigger refuses what is not ASCII.
            # `unique=True` would add a second index, for prefix searches.
            models.UniqueConstraint(fields=["email"], name="one_account_per_email"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="email_in_lower_case"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
            models.CheckConstraint(
                name="operators_have_a_kind",
                condition=models.Q(role=Role.OPERATOR, operator_kind__isnull=False)
                & models.Q(operator_kind__in=OperatorKind.values)
                | ~models.Q(role=Role.OPERATOR) & models.Q(operator_kind__isnull=True),
            ),
            # "!" begins what Django stores for a password that nobody can have.
            models.CheckConstraint(
                name="platforms_have_no_password",
                condition=models.Q(operator_kind__isnull=True)
                | models.Q(operator_kind=OperatorKind.STAFF)
                | models.Q(password__startswith="!"),  # noqa: S106
            ),
            # The target of the wallets' foreign key on owner and role (see wallets.models).
            models.UniqueConstraint(fields=["id", "role"], name="user_has_one_role"),
        )
        # Rows are stored in the order of their creation, so BRIN costs a sign-up nothing.
        indexes = (BrinIndex(fields=["created_at"], name="users_by_age", autosummarize=True),)

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Whether the user is one of the staff, who may enter the admin."""
        return self.operator_kind == OperatorKind.STAFF

    @property
    def is_platform(self) -> bool:
        """Whether the user is a platform's server."""
        return self.operator_kind == OperatorKind.PLATFORM

    def set_password(self, raw_password: str | None) -> None:
        """Set the password in the form in which passwords are compared; None: no log-in."""
        super().set_password(None if raw_password is None else password_form(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password: in its form, or as it was typed.

        Before 0.4.0 a password was hashed as it was typed. Of what is typed in its form, as nearly
        all is, this makes one hash, of other passwords two: without a password too.
        """
        form = None if raw_password is None else password_form(raw_password)
        if super().check_password(form):
            return True
        return form != raw_password and super().check_password(raw_password)


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
    url = models.URLField(null=True)

    def __str__(self) -> str:
        return self.name


class KnownAddress(models.Model):
    """A network address that got an account's password right. Strangers' guesses leave it alone."""

    digest = models.BinaryField(primary_key=True, help_text="Of account and address, with a key.")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_addresses")
    right_at = models.DateTimeField(help_text="When it last got the password right.")

    class Meta:
        indexes = (models.Index(fields=["right_at"], name="known_addresses_by_age"),)

    def __str__(self) -> str:
        return str(self.user_id)


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
    """An action of staff, in the admin or by the API, or on an operator's account.

    An account's limits and a company's fee are on record whichever operator sets them, a platform
    too.
    """

    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    SECOND_FACTOR_SET_UP = "second_factor_set_up"
    SECOND_FACTOR_PASSED = "second_factor_passed"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_RESET = "second_factor_reset"
    BACKUP_CODES_MADE = "backup_codes_made"
    LIMITS_SET = "limits_set"
    FEE_SET = "fee_set"
    FEE_REMOVED = "fee_removed"
    PASSWORD_SET = "password_set"  # noqa: S105 (no password)
    VIEW = "view"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    ADJUST = "adjust"
    ADJUSTMENT_REFUSED = "adjustment_refused"
    ADJUSTMENT_ASKED = "adjustment_asked"
    ADJUSTMENT_APPROVED = "adjustment_approved"
    ADJUSTMENT_REJECTED = "adjustment_rejected"
    MOVE = "move", "Move by the API"
    MOVE_REFUSED = "move_refused", "Move by the API refused"
    HOLD_VOIDED = "hold_voided"
    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


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
