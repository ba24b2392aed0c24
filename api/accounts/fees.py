"""`/company/<id>/fee`: what a company pays for each charge, set by operators."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import CompanyNotFound
from accounts.models import Role
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fields import AmountField, Body, MoneyField
from api.http.permissions import IsOperator
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body
from commerce.fees import fee_of, percent_text, remove_fee, set_fee
from core.errors import InvalidInput, PermissionDenied
from core.unit_of_work import unit_of_work
from wallets.assets import to_decimal
from wallets.errors import NoWallet, WalletClosed
from wallets.models import Fee

A_FEE = {
    "percent": "2.5",
    "fixed": Decimal("0.30"),
    "min": Decimal("0.50"),
    "max": None,
}


class FeeBody(Body):
    """One field at least; null is the same as left out."""

    percent = AmountField(
        allow_null=True,
        default=None,
        help_text="0 to 100, at most 4 places. Left out: 0.",
    )
    fixed = AmountField(allow_null=True, default=None, help_text="Added to it. Left out: 0.")
    min = AmountField(allow_null=True, default=None, help_text="Of one charge's fee.")
    max = AmountField(allow_null=True, default=None, help_text="Of one charge's fee.")


class FeeAnswer(serializers.Serializer[Any]):
    percent = serializers.CharField(allow_null=True, help_text="All are null: it pays no fee.")
    fixed = MoneyField(allow_null=True)
    min = MoneyField(allow_null=True)
    max = MoneyField(allow_null=True)


class FeeView(ApiView):
    """What the company pays the platform for each charge into its wallet."""

    tag = "accounts"
    body = FeeBody()

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated() if self.request.method in ("GET", "HEAD") else IsOperator()]

    @operation(
        "company_fee_get",
        "What a company pays for each charge (itself, and operators)",
        answer=FeeAnswer,
        answer_example=A_FEE,
        refusals=[PermissionDenied, CompanyNotFound],
    )
    def get(self, request: Request, company_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        if caller.role != Role.OPERATOR and caller.pk != company_id:
            raise PermissionDenied
        return _answer(fee_of(company_id))

    @operation(
        "company_fee_set",
        "Have a company pay a fee for each charge (operators)",
        body=body,
        request_example={"percent": "2.5", "fixed": "0.30", "min": "0.50"},
        answer=FeeAnswer,
        answer_example=A_FEE,
        refusals=[
            InvalidInput({"min": ["Must not be above max."]}),
            PermissionDenied,
            CompanyNotFound,
            NoWallet,
            WalletClosed,
        ],
    )
    def put(self, request: Request, company_id: UUID) -> HttpResponse:
        fields = parse_body(request, self.body)
        fee = unit_of_work(
            lambda: set_fee(
                company_id,
                percent=fields["percent"],
                fixed=fields["fixed"],
                lowest=fields["min"],
                highest=fields["max"],
                operator=caller_of(request),
                address=client_address(request._request),
            )
        )
        return _answer(fee)

    @operation(
        "company_fee_remove",
        "Have a company pay no fee any more (operators)",
        status=204,
        refusals=[PermissionDenied, CompanyNotFound],
    )
    def delete(self, request: Request, company_id: UUID) -> HttpResponse:
        unit_of_work(
            lambda: remove_fee(
                company_id,
                operator=caller_of(request),
                address=client_address(request._request),
            )
        )
        return Response(status=204)


def _answer(fee: Fee | None) -> HttpResponse:
    if fee is None:
        return json_response(dict.fromkeys(A_FEE))
    symbol = fee.wallet.asset_id
    return json_response(
        {
            "percent": percent_text(fee),
            "fixed": to_decimal(fee.fixed_minor, symbol),
            "min": to_decimal(fee.min_minor, symbol),
            "max": to_decimal(fee.max_minor, symbol),
        }
    )
