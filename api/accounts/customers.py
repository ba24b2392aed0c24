"""The endpoint `/customer/<id>`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import support_actions
from accounts.errors import CustomerNotFound
from accounts.models import Action, Role, User
from accounts.profiles import name_of
from api.accounts.bodies import NameField, PhoneField
from api.http.authentication import caller_of
from api.http.client_address import client_address
from api.http.fields import Body, MoneyField
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body
from commerce.customers import (
    balance_minor_of,
    change_customer,
    find_customer,
)
from core.errors import PermissionDenied
from core.unit_of_work import unit_of_work
from intake.endings import remove_customer_and_queued
from wallets.assets import DEFAULT_CURRENCY, to_decimal
from wallets.errors import BalanceNotZero, HoldsActive

A_CUSTOMER = {"name": "Ada Lovelace", "balance": Decimal("80.00")}


class PersonBody(Body):
    first_name = NameField(required=False)
    last_name = NameField(required=False)
    phone_number = PhoneField(trim_whitespace=False, required=False)


class CustomerAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    balance = MoneyField(required=False)


class CustomerView(ApiView):
    """The name is public; the balance is shown to the customer and to operators only."""

    tag = "accounts"
    permission_classes = (AllowAny,)
    body = PersonBody()

    @operation(
        "customer_get",
        "A customer's name; with their own token or an operator's, the balance too",
        answer=CustomerAnswer,
        answer_example=A_CUSTOMER,
        refusals=[CustomerNotFound],
        optional_token=True,
    )
    def get(self, request: Request, customer_id: UUID) -> HttpResponse:
        customer = find_customer(customer_id)
        if not _may_see_balance(request, customer):
            return json_response({"name": name_of(customer)})
        return json_response(_full_answer(customer))

    @operation(
        "customer_change",
        "Change a customer's names or phone number",
        body=body,
        request_example={"first_name": "Augusta"},
        answer=CustomerAnswer,
        answer_example=A_CUSTOMER,
        refusals=[PermissionDenied, CustomerNotFound],
    )
    def patch(self, request: Request, customer_id: UUID) -> HttpResponse:
        customer = customer_of(request, customer_id)
        fields = parse_body(request, self.body)

        def work() -> User:
            changed = change_customer(customer, **fields)
            record_of_staff(request, Action.CHANGE, customer)
            return changed

        return json_response(_full_answer(unit_of_work(work)))

    @operation(
        "customer_remove",
        "Erase a customer: personal data and tokens; the ledger stays",
        status=204,
        refusals=[PermissionDenied, CustomerNotFound, HoldsActive, BalanceNotZero],
    )
    def delete(self, request: Request, customer_id: UUID) -> HttpResponse:
        caller = caller_of(request)
        customer = customer_of(request, customer_id)

        def work() -> None:
            remove_customer_and_queued(customer, actor=caller)
            record_of_staff(request, Action.REMOVE, customer)

        unit_of_work(work)
        return Response(status=204)


def customer_of(request: Request, customer_id: UUID) -> User:
    """Return the customer, for themselves and for operators.

    Raises `PermissionDenied` for others, also when there is no such customer, `CustomerNotFound`.
    """
    caller = caller_of(request)
    if caller.pk != customer_id and caller.role != Role.OPERATOR:
        raise PermissionDenied
    return find_customer(customer_id)


def record_of_staff(request: Request, action: Action, customer: User) -> None:
    """Record what one of the staff did to somebody's account, in the same unit of work if any."""
    caller = caller_of(request)
    if caller.is_staff:
        support_actions.record(
            action,
            actor_id=caller.pk,
            subject_kind="user",
            subject_id=customer.pk,
            result="By the API",
            address=client_address(request._request),
        )


def _may_see_balance(request: Request, customer: User) -> bool:
    caller = request.user
    if not isinstance(caller, User):
        return False
    return caller.pk == customer.pk or caller.role == Role.OPERATOR


def _full_answer(customer: User) -> dict[str, Any]:
    return {
        "name": name_of(customer),
        "balance": to_decimal(balance_minor_of(customer), DEFAULT_CURRENCY),
    }
