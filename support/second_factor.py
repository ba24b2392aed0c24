"""The second factor of operators: TOTP codes from a phone, and backup codes in case it is lost.

django-otp stores the devices, compares codes in constant time, refuses a code that was used before
and throttles wrong codes, longer after each one.
"""

import base64

from django.conf import settings
from django.http import HttpRequest
from django_otp import login, match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import support_actions
from accounts.models import Action, User
from api.http.client_address import client_address
from api.http.qr_codes import qr_code
from core.unit_of_work import requires_unit_of_work

BACKUP_CODES = 10
PHONE_DEVICE_NAME = "Phone"
BACKUP_DEVICE_NAME = "Backup codes"


def is_passed(request: HttpRequest, user: User) -> bool:
    """Whether the second factor allows this user into the admin: verified, or not required."""
    return is_verified(user) or (not settings.ADMIN_NEEDS_SECOND_FACTOR and not is_set_up(user))


def is_verified(user: User) -> bool:
    """Whether this session was verified by a code; django-otp's middleware sets the attribute."""
    return getattr(user, "otp_device", None) is not None


def is_set_up(user: User) -> bool:
    """Whether the user has set up a second factor."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


@requires_unit_of_work
def get_or_create_device(user: User) -> TOTPDevice:
    """Return the user's unconfirmed device, which the first code confirms; create it if missing."""
    _lock(user)
    return _unconfirmed_device(user) or TOTPDevice.objects.create(
        user=user, confirmed=False, name=PHONE_DEVICE_NAME
    )


def secret_of(device: TOTPDevice) -> str:
    """Return the device's secret in base32, in groups of four characters, to type into a phone."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def qr_code_of(device: TOTPDevice) -> str:
    """Return the QR code that a phone scans: an SVG as a `data:` URL."""
    return qr_code(device.config_url)


@requires_unit_of_work
def verify(request: HttpRequest, user: User, code: str) -> bool:
    """Return whether the code is valid for one of the user's devices, and verify the session if so.

    The unit of work must also commit after a wrong code: wrong codes are counted.
    """
    device = match_token(user, code)
    if device is None:
        _record(Action.SECOND_FACTOR_FAILED, request, user)
        return False
    _verify_session(request, device)
    _record(Action.SECOND_FACTOR_PASSED, request, user, result=device.name)
    return True


@requires_unit_of_work
def set_up(request: HttpRequest, user: User, code: str) -> list[str] | None:
    """Confirm the user's new device by its first code and return backup codes; None: wrong code."""
    _lock(user)
    device = _unconfirmed_device(user)
    # One device per user: a session opened by the password alone must not add a second one.
    if device is None or is_set_up(user) or not device.verify_token(code):
        _record(Action.SECOND_FACTOR_FAILED, request, user, result="At set-up")
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    _verify_session(request, device)
    _record(Action.SECOND_FACTOR_SET_UP, request, user)
    return make_backup_codes(request, user)


@requires_unit_of_work
def make_backup_codes(request: HttpRequest, user: User) -> list[str]:
    """Return new codes, each valid for one log-in; delete the old ones."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=BACKUP_DEVICE_NAME)
    codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    _record(Action.BACKUP_CODES_MADE, request, user)
    return codes


@requires_unit_of_work
def reset(user: User, *, actor: User | None, reason: str, address: str | None = None) -> None:
    """Delete the user's devices. At the next log-in the password alone allows setting up a new one.

    `actor` is None for a management command.
    """
    _lock(user)
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    support_actions.record(
        Action.SECOND_FACTOR_RESET,
        actor_id=None if actor is None else actor.pk,
        subject_kind="user",
        subject_id=user.pk,
        reason=reason,
        address=address,
    )


def _lock(user: User) -> None:
    """Serialize what creates, confirms or deletes a device of the user."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _unconfirmed_device(user: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").first()


def _verify_session(request: HttpRequest, device: TOTPDevice | StaticDevice) -> None:
    # A session key that was stolen before the verification becomes invalid.
    request.session.cycle_key()
    login(request, device)


def _record(action: Action, request: HttpRequest, user: User, *, result: str = "") -> None:
    support_actions.record(
        action,
        actor_id=user.pk,
        subject_kind="user",
        subject_id=user.pk,
        result=result,
        address=client_address(request),
    )
