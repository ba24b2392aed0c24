"""Limits of an account's own: how many requests it may send in a minute."""

import uuid

from django.db import connection
from django.db.models.functions import Now

from accounts import support_actions
from accounts.errors import CompanyNotFound, CustomerNotFound
from accounts.models import Action, OwnLimits, Role, User
from core.errors import Refusal
from core.unit_of_work import requires_unit_of_work

#: A change commits at most this long after the time that it was given.
_LONGEST_COMMIT_SECONDS = 60
_NOT_FOUND: dict[str, type[Refusal]] = {
    Role.CLIENT: CustomerNotFound,
    Role.COMPANY: CompanyNotFound,
}


def limits_of(account_id: uuid.UUID, *, role: str) -> OwnLimits:
    """Return an account's own limits, without any if it has none.

    `role` is client or company. Raises `CustomerNotFound` or `CompanyNotFound`, also for an
    account of another role and for one that was erased.
    """
    account = _existing(User.objects.filter(pk=account_id).first(), role)
    return OwnLimits.objects.filter(user=account).first() or OwnLimits(user=account)


@requires_unit_of_work
def set_limits(
    account_id: uuid.UUID,
    *,
    role: str,
    writes: int | None,
    reads: int | None,
    operator: User,
    address: str | None,
) -> OwnLimits:
    """Give an account its own limits, in requests a minute; None for the limit of all accounts.

    Every process knows them a second later (`limits_changed_for`). Raises as `limits_of` does.
    """
    locked = User.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    account = _existing(locked, role)
    limits = OwnLimits(user=account, writes=writes, reads=reads, changed_at=Now())
    OwnLimits.objects.bulk_create(
        [limits],
        update_conflicts=True,
        unique_fields=["user"],
        update_fields=["writes", "reads", "changed_at"],
    )
    support_actions.record(
        Action.LIMITS_SET,
        actor_id=operator.pk,
        subject_kind="user",
        subject_id=account.pk,
        result=f"{limits} a minute",
        address=address,
    )
    return limits


def limits_changed_for(seconds: float) -> set[uuid.UUID]:
    """Return the accounts whose limits were changed in the last `seconds`, and some from before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id FROM accounts_ownlimits"
            " WHERE changed_at > now() - make_interval(secs => %s)",
            [seconds + _LONGEST_COMMIT_SECONDS],
        )
        return {user_id for (user_id,) in cursor.fetchall()}


def _existing(account: User | None, role: str) -> User:
    if account is None or account.role != role or not account.is_active:
        raise _NOT_FOUND[role]
    return account
