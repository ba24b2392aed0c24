"""The record of what operators do: who, what, to whom, why and from where."""

import ipaddress
import uuid

from django.http import HttpRequest

from core import context
from core.http.address import address_of
from core.models import Action, SupportAction


def record(
    action: Action,
    *,
    actor_id: uuid.UUID | None,
    subject_kind: str,
    subject_id: object,
    reason: str = "",
    result: str = "",
    request: HttpRequest | None = None,
) -> None:
    """Write down what was done; inside a unit of work it commits with what was done.

    Without a request it was a management command.
    """
    SupportAction.objects.create(
        action=action,
        actor_id=actor_id,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        reason=reason,
        result=result,
        address=None if request is None else _address(request),
        request_id=context.request_id.get(),
    )


def _address(request: HttpRequest) -> str | None:
    try:
        return str(ipaddress.ip_address(address_of(request)))
    except ValueError:  # a Unix socket has none
        return None
