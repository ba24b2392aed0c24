"""Sign-up, log-in, log-out and passwords."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from knox.models import AuthToken

from accounts import known_addresses, support_actions
from accounts.credentials import find_by_credentials
from accounts.email_addresses import canonical_email
from accounts.errors import (
    CompanyNotFound,
    CustomerNotFound,
    EmailTaken,
    InvalidCredentials,
    PlatformHasNoPassword,
)
from accounts.models import Action, Client, Company, OperatorKind, OwnLimits, Role, User
from accounts.token_expiry import initial_lifetime
from core.errors import InvalidInput, PermissionDenied
from core.texts import password_form
from core.unit_of_work import refuse_on_constraint, requires_unit_of_work

refuse_on_constraint("one_account_per_email", EmailTaken)

_PROFILES: dict[str, type[Client | Company]] = {Role.CLIENT: Client, Role.COMPANY: Company}


@dataclass(frozen=True, slots=True)
class Session:
    """A new token. Its text is known only now: the database stores its hash."""

    user: User
    token: str
    expiry: datetime


@requires_unit_of_work
def sign_up(
    *, role: Role, email: str, password: str, profile: dict[str, Any], network: str
) -> Session:
    """Create a client or a company and log it in. `profile` has the fields of its model.

    `email` is in canonical form, here and in `log_in`; `network` is where the caller is. Raises
    `EmailTaken`, and `InvalidInput` for a password that Django's validators refuse.
    """
    check_new_password(password, User(email=email), field="password")
    if User.objects.filter(email=email).exists():
        raise EmailTaken
    user = User.objects.create_user(email, password, role=role)
    _PROFILES[role].objects.create(user=user, **profile)
    known_addresses.record_network(user, network)
    return open_session(user)


@requires_unit_of_work
def log_in(*, role: Role, email: str, password: str, network: str) -> Session:
    """Return a new session of the account. Its other sessions stay, and `network` is known to it.

    Raises `InvalidCredentials`, in the same time for a wrong password and an unknown email, and
    `PermissionDenied` when the credentials are right and the account has another role.
    """
    user = find_by_credentials(email, password)
    if user is None:
        raise InvalidCredentials
    if user.role != role:
        raise PermissionDenied(f"This account is no {role}.")
    # Hashing takes time: a password change in the meantime invalidates this log-in too.
    locked = _lock_unchanged(user)
    # A new `last_login` invalidates the tokens for a password reset.
    locked.last_login = timezone.now()
    locked.save(update_fields=["last_login"])
    known_addresses.record_network(locked, network)
    return open_session(locked)


@requires_unit_of_work
def record_log_in(user: User, network: str) -> None:
    """Record from where the user has just logged in, by what `user` was when that was read.

    Raises `InvalidCredentials` when the password has changed in the meantime.
    """
    known_addresses.record_network(_lock_unchanged(user), network)


def find_company(company_id: UUID) -> User:
    """Return a company that has not left. Raises `CompanyNotFound`, also for who is no company."""
    company = User.objects.filter(pk=company_id, role=Role.COMPANY, is_active=True).first()
    if company is None:
        raise CompanyNotFound
    return company


def open_session(user: User) -> Session:
    """Make a token for the user. Each use before its expiry may prolong it (`token_expiry`)."""
    row, token = AuthToken.objects.create(user, expiry=initial_lifetime())
    return Session(user, token, row.expiry)


def log_out(token: AuthToken) -> None:
    """End the session: its token is no longer valid once this commits."""
    AuthToken.objects.filter(pk=token.pk).delete()


def log_out_everywhere(user: User) -> None:
    """End all sessions of the user."""
    AuthToken.objects.filter(user=user).delete()


@requires_unit_of_work
def change_password(
    user: User,
    *,
    current_password: str,
    new_password: str,
    kept_token: AuthToken,
    address: str | None,
    network: str,
) -> None:
    """Set a new password and end all sessions but that of `kept_token`.

    Of the addresses known to the account, `network` alone stays. A change by an operator is
    recorded as a support action, with the IP `address`. Raises `InvalidCredentials` for a wrong
    current password, `InvalidInput` for a weak new one.
    """
    user = _lock_user(user)
    if not user.check_password(current_password):
        raise InvalidCredentials
    check_new_password(new_password, user, field="new_password")
    _replace_password(user, new_password, kept_token=kept_token)
    known_addresses.record_network(user, network)
    if user.role == Role.OPERATOR:
        support_actions.record(
            Action.PASSWORD_SET,
            actor_id=user.pk,
            subject_kind="user",
            subject_id=user.pk,
            address=address,
        )


@requires_unit_of_work
def set_password(user: User, password: str) -> User:
    """Set the password of an account and end all its sessions.

    The caller has checked the permission, and the password with `check_new_password`. Raises
    `PlatformHasNoPassword`, and `InvalidCredentials` when the account was erased or its password
    changed in the meantime.
    """
    if user.is_platform:
        raise PlatformHasNoPassword
    locked = _lock_unchanged(user)
    _replace_password(locked, password, kept_token=None)
    return locked


def _replace_password(user: User, password: str, *, kept_token: AuthToken | None) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    known_addresses.forget_networks(user)
    AuthToken.objects.filter(user=user).exclude(pk=kept_token and kept_token.pk).delete()


def _lock_user(user: User) -> User:
    """Lock and reload the user. Raises `InvalidCredentials` when the account was erased."""
    locked = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
    if locked is None:
        raise InvalidCredentials
    return locked


def _lock_unchanged(user: User) -> User:
    """Do the same. Raises `InvalidCredentials` also when the password has changed since `user`."""
    locked = _lock_user(user)
    if locked.password != user.password:
        raise InvalidCredentials
    return locked


@requires_unit_of_work
def create_operator(email: str, password: str | None = None) -> Session:
    """Create an operator, or use the one with this email, and return a new session.

    A new operator with a password is staff, one without is a platform, for good. Setting a password
    ends all older sessions. Raises `EmailTaken` when a client or a company has the address,
    `PlatformHasNoPassword`, and `InvalidInput` for a password that validators refuse, and for an
    address that has no canonical form.
    """
    email = _canonical(email)
    if password is not None:
        check_new_password(password, User(email=email), field="password")
    user = User.objects.filter(email=email).first()
    if user is None:
        kind = OperatorKind.PLATFORM if password is None else OperatorKind.STAFF
        user = User.objects.create_user(email, password, role=Role.OPERATOR, operator_kind=kind)
    elif user.role != Role.OPERATOR:
        raise EmailTaken
    elif password is not None:
        user = set_password(user, password)
    if password is not None:
        support_actions.record(
            Action.PASSWORD_SET, actor_id=None, subject_kind="user", subject_id=user.pk
        )
    return open_session(user)


def check_new_password(password: str, user: User, *, field: str) -> None:
    """Raise `InvalidInput` with the reasons of Django's password validators."""
    try:
        validate_password(password_form(password), user)
    except ValidationError as error:
        raise InvalidInput({field: error.messages}) from error


def update_person(person: Client | Company, **fields: str) -> None:
    """Change names or the phone number of a client, or of the person who represents a company."""
    for name, value in fields.items():
        setattr(person, name, value)
    if fields:
        person.save(update_fields=list(fields))


@requires_unit_of_work
def change_email(user_id: UUID, email: str, *, reason: str) -> User:
    """Give an account another address, and record it. For a management command.

    Raises `CustomerNotFound` when there is no such account, `EmailTaken`, and `InvalidInput` for an
    address that has no canonical form.
    """
    email = _canonical(email)
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
    if user is None:
        raise CustomerNotFound
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        raise EmailTaken
    user.email = email
    user.save(update_fields=["email"])
    # They are known by the address.
    known_addresses.forget_networks(user)
    support_actions.record(
        Action.CHANGE,
        actor_id=None,
        subject_kind="user",
        subject_id=user.pk,
        reason=reason,
        result="Another email address",
    )
    return user


def _canonical(email: str) -> str:
    try:
        return canonical_email(email)
    except ValueError as error:
        raise InvalidInput({"email": [str(error)]}) from error


@requires_unit_of_work
def erase(user: User) -> None:
    """Erase the personal data of an account permanently, prevent log-in and revoke its tokens.

    The user's row stays, without personal data: the ledger's entries belong to it.
    """
    log_out_everywhere(user)
    known_addresses.forget_networks(user)
    _PROFILES[user.role].objects.filter(user=user).delete()
    OwnLimits.objects.filter(user=user).delete()
    user.email = f"{user.pk}@erased.invalid"
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["email", "is_active", "password"])
