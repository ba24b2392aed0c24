"""`/wallet/approvals`: the companies that may charge an own wallet by its token."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import CompanyNotFound
from accounts.models import User
from api.examples import APPROVAL, COMPANY, WALLET
from api.http.authentication import caller_of
from api.http.fields import AmountField, Body, CountField, IdField, MoneyField
from api.http.idempotency import respond_once
from api.http.pagination import LimitField, with_next_page
from api.http.permissions import IsHolder
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body, parse_query
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from core.times import rfc3339
from core.unit_of_work import unit_of_work
from wallets.approvals import MAX_SECONDS, approvals_of, approve, revoke_approval
from wallets.assets import to_decimal
from wallets.errors import ApprovalNotFound, WalletClosed, WalletNotFound
from wallets.models import Approval

AN_APPROVAL = {
    "approval": APPROVAL,
    "wallet": WALLET,
    "company": COMPANY,
    "company_name": "Corner Shop",
    "max_amount": Decimal("50.00"),
    "max_per_day": Decimal("100.00"),
    "expires_at": "2027-01-31T12:00:00.000Z",
}


class ApprovalBody(Body):
    wallet = IdField(source="wallet_id")
    company = IdField(source="company_id")
    max_amount = AmountField(required=False)
    max_per_day = AmountField(required=False)
    expires_in = CountField(highest=MAX_SECONDS, required=False)


class ApprovalsQuery(Body):
    wallet = IdField(required=False, source="wallet_id")
    limit = LimitField(default=200)
    cursor = IdField(required=False)


class ApprovalAnswer(serializers.Serializer[Any]):
    approval = serializers.UUIDField()
    wallet = serializers.UUIDField()
    company = serializers.UUIDField()
    company_name = serializers.CharField()
    max_amount = MoneyField(allow_null=True, help_text="The most that one charge may be.")
    max_per_day = MoneyField(allow_null=True, help_text="The most in any 24 hours.")
    expires_at = serializers.DateTimeField(allow_null=True)


class ApprovalsView(ApiView):
    tag = "paying safely"
    permission_classes = (IsHolder,)
    body = ApprovalBody()
    query = ApprovalsQuery()

    @operation(
        "approval_create",
        "Approve a company for an own wallet; replaces its earlier approval",
        body=body,
        request_example={
            "wallet": WALLET,
            "company": COMPANY,
            "max_amount": "50.00",
            "max_per_day": "100.00",
        },
        status=201,
        answer=ApprovalAnswer,
        answer_example=AN_APPROVAL,
        refusals=[
            InvalidInput({"max_amount": ["At most 2 decimals."]}),
            AmountNotPositive,
            PermissionDenied,
            WalletNotFound,
            CompanyNotFound,
            WalletClosed,
        ],
        takes_idempotency_key=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller = caller_of(request)
        return respond_once(
            request, lambda: approval_answer(approve(caller, **fields), caller), status=201
        )

    @operation(
        "approval_list",
        "The approvals of own wallets, and those that the caller has as a company, newest first",
        query=ApprovalsQuery,
        answer=ApprovalAnswer(many=True),
        answer_example=[AN_APPROVAL],
        refusals=[
            InvalidInput({"cursor": ["Not a cursor of this list."]}),
            PermissionDenied,
            WalletNotFound,
        ],
        link_header=True,
    )
    def get(self, request: Request) -> HttpResponse:
        caller = caller_of(request)
        page, next_cursor = approvals_of(caller, **parse_query(request, self.query))
        rows = [approval_answer(each, caller) for each in page]
        return with_next_page(json_response(rows), request, next_cursor)


class ApprovalView(ApiView):
    tag = "paying safely"
    permission_classes = (IsHolder,)

    @operation(
        "approval_revoke",
        "Revoke an approval of an own wallet; no charge that begins later is allowed by it",
        status=204,
        refusals=[PermissionDenied, ApprovalNotFound],
    )
    def delete(self, request: Request, approval_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        unit_of_work(lambda: revoke_approval(caller, approval_id))
        return Response(status=204)


def approval_answer(approval: Approval, caller: User) -> dict[str, Any]:
    """Return the approval; a company that is approved sees the wallet's address."""
    wallet = approval.wallet
    return {
        "approval": approval.id,
        "wallet": wallet.id if wallet.owner_id == caller.pk else wallet.address,
        "company": approval.company_id,
        "company_name": approval.company.company.name,
        "max_amount": to_decimal(approval.max_amount_minor, wallet.asset_id),
        "max_per_day": to_decimal(approval.max_per_day_minor, wallet.asset_id),
        "expires_at": approval.expires_at and rfc3339(approval.expires_at),
    }
