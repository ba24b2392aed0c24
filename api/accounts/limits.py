"""`/company/<id>/limits` and `/customer/<id>/limits`: an account's own limits, set by operators."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import OwnLimits, Role
from accounts.own_limits import limits_of, set_limits
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fields import Body, CountField
from api.http.permissions import IsOperator
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.token_cache import forget_callers
from api.http.views import ApiView, parse_body
from core.errors import InvalidInput, NotFound, PermissionDenied
from core.unit_of_work import unit_of_work

HIGHEST = 1_000_000
SOME_LIMITS = {
    "writes": 6000,
    "reads": None,
    "defaults": {"writes": "1200/m", "reads": "3000/m"},
}


class LimitsBody(Body):
    """Requests a minute; null, or left out, for the limit of all accounts."""

    writes = CountField(highest=HIGHEST, allow_null=True, default=None)
    reads = CountField(highest=HIGHEST, allow_null=True, default=None)


class DefaultsAnswer(serializers.Serializer[Any]):
    writes = serializers.CharField(help_text="As a setting is written: `1200/m` is 1,200 a minute.")
    reads = serializers.CharField()


class LimitsAnswer(serializers.Serializer[Any]):
    writes = serializers.IntegerField(
        allow_null=True, help_text="A minute. Null: as many as `defaults` says."
    )
    reads = serializers.IntegerField(allow_null=True)
    defaults = DefaultsAnswer()


class LimitsView(ApiView):
    """How many requests the account may send in a minute, in place of the limit of all accounts."""

    tag = "accounts"
    permission_classes = (IsOperator,)
    body = LimitsBody()
    #: Of the accounts of this path.
    role: ClassVar[str] = Role.CLIENT

    @operation(
        "{first}_limits_get",
        "An account's own rate limits (operators)",
        answer=LimitsAnswer,
        answer_example=SOME_LIMITS,
        refusals=[PermissionDenied, NotFound],
    )
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        return _answer(limits_of(account_id, role=self.role))

    @operation(
        "{first}_limits_set",
        "Give an account its own rate limits (operators)",
        body=body,
        request_example={"writes": 6000, "reads": None},
        answer=LimitsAnswer,
        answer_example=SOME_LIMITS,
        refusals=[
            InvalidInput({"writes": [f"A whole number from 1 to {HIGHEST}."]}),
            PermissionDenied,
            NotFound,
        ],
    )
    def put(self, request: Request, account_id: UUID) -> HttpResponse:
        return _answer(self._set(request, account_id, **parse_body(request, self.body)))

    @operation(
        "{first}_limits_remove",
        "Take an account's own rate limits back (operators)",
        status=204,
        refusals=[PermissionDenied, NotFound],
    )
    def delete(self, request: Request, account_id: UUID) -> HttpResponse:
        self._set(request, account_id, writes=None, reads=None)
        return Response(status=204)

    def _set(self, request: Request, account_id: UUID, **limits: int | None) -> OwnLimits:
        made = unit_of_work(
            lambda: set_limits(
                account_id,
                role=self.role,
                operator=caller_of(request),
                address=client_address(request._request),
                **limits,
            )
        )
        forget_callers({account_id})
        return made


def _answer(limits: OwnLimits) -> HttpResponse:
    return json_response(
        {
            "writes": limits.writes,
            "reads": limits.reads,
            "defaults": {group: settings.RATE_LIMITS[group] for group in ("writes", "reads")},
        }
    )
