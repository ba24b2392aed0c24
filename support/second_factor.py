"""The second factor of operators: a phone's six digits (TOTP), and codes on paper for its loss.

django-otp keeps the devices, compares codes in constant time, lets none be used twice and makes
guessing wait, longer after each wrong one.
"""

import base64

import qrcode
from django.conf import settings
from django.http import HttpRequest
from django_otp import login, match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage

from accounts import support_actions
from accounts.models import Action, User
from api.http.client_address import client_address
from core.unit_of_work import require_unit_of_work

BACKUP_CODES = 10
PHONE = "Phone"
PAPER = "Backup codes"


def is_passed(request: HttpRequest, user: User) -> bool:
    """Whether the user may enter the admin as far as the second factor goes."""
    return is_verified(user) or (not settings.ADMIN_NEEDS_SECOND_FACTOR and not has_one(user))


def is_verified(user: User) -> bool:
    """Whether this session has been given a code, which django-otp's middleware tells."""
    return getattr(user, "otp_device", None) is not None


def has_one(user: User) -> bool:
    """Whether the user has set up a second factor."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def device_to_set_up(user: User) -> TOTPDevice:
    """Return the user's device that waits for its first code; the first call makes it.

    Requires a unit of work.
    """
    require_unit_of_work()
    _lock(user)
    return _waiting(user) or TOTPDevice.objects.create(user=user, confirmed=False, name=PHONE)


def secret_of(device: TOTPDevice) -> str:
    """Return the device's secret as one types it into a phone, in groups of four."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def picture_of(device: TOTPDevice) -> str:
    """Return the picture that a phone scans, an SVG, as a `data:` URL."""
    code = qrcode.make(device.config_url, image_factory=SvgPathImage, box_size=12, border=2)
    return "data:image/svg+xml;base64," + base64.b64encode(code.to_string()).decode()


def verify(request: HttpRequest, user: User, code: str) -> bool:
    """Take a code of any of the user's devices; a right one verifies the browser's session.

    Requires a unit of work, which must commit for a wrong code, too: it counts.
    """
    require_unit_of_work()
    device = match_token(user, code)
    if device is None:
        _record(Action.SECOND_FACTOR_FAILED, request, user)
        return False
    _enter(request, device)
    _record(Action.SECOND_FACTOR_PASSED, request, user, result=device.name)
    return True


def set_up(request: HttpRequest, user: User, code: str) -> list[str] | None:
    """Confirm the user's new device by its first code and return backup codes; None: a wrong code.

    Requires a unit of work.
    """
    require_unit_of_work()
    _lock(user)
    device = _waiting(user)
    # One device for each: a session that was opened by the password alone adds no second one.
    if device is None or has_one(user) or not device.verify_token(code):
        _record(Action.SECOND_FACTOR_FAILED, request, user, result="At set-up")
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    _enter(request, device)
    _record(Action.SECOND_FACTOR_SET_UP, request, user)
    return make_backup_codes(request, user)


def make_backup_codes(request: HttpRequest, user: User) -> list[str]:
    """Return new codes, each good for one log-in; older ones are void. Requires a unit of work."""
    require_unit_of_work()
    StaticDevice.objects.filter(user=user).delete()
    paper = StaticDevice.objects.create(user=user, name=PAPER)
    codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=paper, token=code) for code in codes)
    _record(Action.BACKUP_CODES_MADE, request, user)
    return codes


def reset(user: User, *, actor: User | None, reason: str, address: str | None = None) -> None:
    """Forget the user's devices: at the next log-in, the password alone lets set up a new one.

    Requires a unit of work. Without an `actor` it is a management command.
    """
    require_unit_of_work()
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
    """Let whatever makes, confirms or forgets a device of the user follow each other."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _waiting(user: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").first()


def _enter(request: HttpRequest, device: TOTPDevice | StaticDevice) -> None:
    # Whoever knew the session's key before the code was typed does not know it now.
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
