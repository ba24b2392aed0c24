"""`Dry-Run: true`: what a call would answer, without doing it."""

from rest_framework.request import Request

from core.errors import InvalidInput

#: The header, of requests and of answers.
DRY_RUN = "Dry-Run"
_META = "HTTP_DRY_RUN"


class NoDryRun(InvalidInput):
    """A dry run was asked for, and there is none: nothing was done."""

    def __init__(self, reason: str) -> None:
        super().__init__({DRY_RUN: [reason]})


def is_dry_run(request: Request) -> bool:
    """Whether the caller only wants to know what the call would answer.

    Where that can be known: `refuse_impossible_dry_run` has let the request pass.
    """
    return request.method == "POST" and request.META.get(_META) == "true"


def refuse_impossible_dry_run(request: Request, *, can_be_tried: bool) -> None:
    """Raise `NoDryRun` for another value, and for a call that cannot be tried but would be done.

    A read changes nothing: there the header means nothing.
    """
    if _META not in request.META or request.method in ("GET", "HEAD"):
        return
    if request.META[_META] != "true":
        raise NoDryRun("Only `true`.")
    if request.method != "POST" or not can_be_tried:
        raise NoDryRun("Only a POST that moves money at once can be tried.")
