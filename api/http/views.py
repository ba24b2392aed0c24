"""The base of every view: method, caller, limits, body, in that order, then one domain call."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from api.http.dry_runs import DRY_RUN, NoDryRun, is_dry_run, refuse_impossible_dry_run
from api.http.fields import Body
from core import replica
from core.errors import InvalidInput, Malformed, NotAuthenticated

Get = TypeVar("Get", bound=Callable[..., HttpResponseBase])


@cache
def _allowed_methods(view: type[APIView]) -> list[str]:
    return [
        name.upper()
        for name in view.http_method_names
        if hasattr(view, "get" if name == "head" else name)
    ]


class ApiView(APIView):
    """A view of the API. A method that it lacks is a 405 for every caller."""

    http_method_names = ("get", "head", "post", "put", "patch", "delete")

    #: The query parameters that a GET takes; without it, none. Other methods never take any.
    query: ClassVar[Body | None] = None

    #: Whether its POST moves or holds money at once, and so can be tried: `Dry-Run: true`.
    can_be_tried: ClassVar[bool] = False

    #: Whose position in the log is recorded before the answer goes out, where there is a replica.
    position_owner: UUID | None = None

    #: Whether this call asked for a dry run where there is none.
    refused_dry_run = False

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the view, in capitals; where there is GET there is HEAD."""
        return _allowed_methods(type(self))  # type: ignore[arg-type]  # classes can be hashed

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        if replica.is_configured():
            self.position_owner = getattr(request.user, "pk", None)
        if self.query is None or request.method not in ("GET", "HEAD"):
            parse_query(request, _NO_QUERY)
        refuse_impossible_dry_run(request, can_be_tried=self.can_be_tried)

    def perform_authentication(self, request: Request) -> None:
        """Find the caller, and count the call: also one that the caller may not make."""
        super().perform_authentication(request)
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: the call has been counted."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self.position_owner is not None:
            replica.record_position(self.position_owner)
        if self.can_be_tried and is_dry_run(request) and not self.refused_dry_run:
            response[DRY_RUN] = "true"
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Any:
        self.refused_dry_run = isinstance(exc, NoDryRun)
        return super().handle_exception(exc)


_NO_QUERY = Body()


def replica_allowed(get: Get) -> Get:
    """Mark a `get` that decides nothing: the replica may answer it (`core.replica`).

    Who calls, and how often they may, is still decided on the primary.
    """

    @wraps(get)
    def follow(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Any:
        position = getattr(request.auth, "position", None) if view.position_owner else None
        if position is None or not replica.has_reached(position):
            return get(view, request, *args, **kwargs)
        caller, view.position_owner = view.position_owner, None
        try:
            with replica.use_replica():
                return get(view, request, *args, **kwargs)
        except (DatabaseError, InterfaceError):
            view.position_owner = caller
            return get(view, request, *args, **kwargs)

    return follow  # type: ignore[return-value]


def parse_body(request: Request, body: Body) -> dict[str, Any]:
    """Return the validated fields of the JSON object that was sent.

    `body` is a field declaration, not a form: one instance serves all requests.
    """
    if not isinstance(request.data, dict):
        raise Malformed("The body must be a JSON object.")
    fields: dict[str, Any] = body.run_validation(request.data)
    return fields


def parse_query(request: Request, query: Body) -> dict[str, Any]:
    """Return the validated query parameters; an unknown or a repeated one is an error."""
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise InvalidInput({name: ["Given more than once."]})
    fields: dict[str, Any] = query.run_validation(request.query_params.dict())
    return fields


def caller_id(request: Request) -> UUID:
    """Return the id of the user whose token came with the request."""
    caller: UUID | None = request.user.pk
    if caller is None:
        raise NotAuthenticated
    return caller
