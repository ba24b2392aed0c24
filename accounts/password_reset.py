"""Reset of a forgotten password: a mail with a token, which works once and expires soon."""

import logging
import uuid
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from procrastinate.contrib.django import app

from accounts import known_addresses
from accounts.email_addresses import canonical_email
from accounts.models import Role, User
from accounts.services import check_new_password, log_out_everywhere
from core.errors import InvalidInput
from core.unit_of_work import requires_unit_of_work

logger = logging.getLogger(__name__)

#: The job that sends the mail.
JOB = "send_password_reset"
#: The users who may reset a password. Operators may not: their mailbox must not open the admin.
_ALLOWED: dict[str, Any] = {"is_active": True, "role__in": (Role.CLIENT, Role.COMPANY)}
_SUBJECT = "Reset your password"
_TEXT = """\
Somebody, you most likely, asked to reset the password of the account with this email address.

{way}

This works once, within {minutes} minutes. If it was not you, ignore this mail: nothing has changed.
"""
_LINK = "Choose a new one here:\n\n{url}#uid={uid}&token={token}"
_CODES = "Give this to the app:\n\nuid: {uid}\ntoken: {token}"


class MailNotSent(Exception):
    """The mail server refused the mail. The text has no address, because it gets into logs."""


@requires_unit_of_work
def request_reset(email: str) -> None:
    """Queue a mail to the account with this address, if it may reset its password.

    The address is in canonical form. The job is queued with the commit of the unit of work.
    Neither the answer nor its time reveals whether the account exists: a job is queued in either
    case and checks later.
    """
    user_id = User.objects.filter(email=email).values_list("pk", flat=True).first()
    app.configure_task(JOB).defer(user_id=str(user_id or uuid.uuid4()))


def send_reset(user_id: str) -> None:
    """Make a token and mail it to the user; do nothing for a user who may not reset a password.

    The token is made here, so that no job and no log ever contains it. Raises `MailNotSent`.
    """
    user = User.objects.filter(pk=user_id, **_ALLOWED).first()
    if user is None:
        return
    if not settings.SENDS_MAIL:
        logger.warning("No password reset was sent: WALLET_SERVICE_EMAIL_URL is not set.")
        return
    way = (_LINK if settings.PASSWORD_RESET_URL else _CODES).format(
        url=settings.PASSWORD_RESET_URL,
        uid=user.pk,
        token=default_token_generator.make_token(user),
    )
    try:
        address = canonical_email(user.email)
    except ValueError:
        logger.error(
            "No password reset was sent to %s: its address has no canonical form.", user.pk
        )
        return
    text = _TEXT.format(way=way, minutes=settings.PASSWORD_RESET_TIMEOUT // 60)
    try:
        send_mail(_SUBJECT, text, None, [address])
    except (SMTPException, OSError) as error:
        # The error may quote the address, and its context the mail.
        raise MailNotSent(type(error).__name__) from None


@requires_unit_of_work
def confirm_reset(user_id: uuid.UUID, token: str, new_password: str, *, network: str) -> None:
    """Set the password and end every session of the user, to whom only `network` is known then.

    Raises `InvalidInput` for a weak password, and for a token that is
    wrong, used, expired or another user's, always with the same reason.
    """
    # Locked, so that of two concurrent requests with one token, the second finds it used.
    users = User.objects.select_for_update(no_key=True)
    user = users.filter(pk=user_id, **_ALLOWED).first()
    if user is None or not default_token_generator.check_token(user, token):
        raise InvalidInput({"token": ["Wrong, used or expired: ask for another one."]})
    check_new_password(new_password, user, field="new_password")
    user.set_password(new_password)
    user.save(update_fields=["password"])
    log_out_everywhere(user)
    known_addresses.forget_networks(user)
    known_addresses.record_network(user, network)
