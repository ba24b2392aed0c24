"""The record of what operators do: who, what, on what, why and from where."""

import uuid

from accounts.models import Action, SupportAction
from core import context


def record(
    action: Action,
    *,
    actor_id: uuid.UUID | None,
    subject_kind: str,
    subject_id: object,
    reason: str = "",
    result: str = "",
    address: str | None = None,
) -> None:
    """Record an action; inside a unit of work the record commits with the action itself.

    `address` is the operator's IP address; a management command has none.
    """
    SupportAction.objects.create(
        action=action,
        actor_id=actor_id,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        reason=reason,
        result=result,
        address=address,
        request_id=context.request_id.get(),
    )
