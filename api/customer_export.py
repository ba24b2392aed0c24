"""The endpoint `/customer/<id>/export`: all that the service has about a customer, streamed."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts.errors import CustomerNotFound
from accounts.models import Action, Role, User
from api.accounts.customers import customer_of, record_of_staff
from api.by_token.approvals import AN_APPROVAL, ApprovalAnswer, approval_answer
from api.by_token.history import A_CHARGE, A_REFUSED_CHARGE, HistoryAnswer, history_answer
from api.by_token.wallets import A_WALLET, WalletAnswer, wallet_answer
from api.examples import WALLET
from api.http.renderer import render_json
from api.http.schema import operation
from api.http.views import ApiView
from api.http.wallet_names import with_names
from core.errors import PermissionDenied
from core.times import rfc3339
from ledger.history import whole_history
from wallets.approvals import each_approval_of
from wallets.selectors import each_wallet_of

AN_EXPORT = {
    "customer": {
        "id": "9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77",
        "kind": "client",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone_number": "+34666666666",
        "company_name": None,
        "url": None,
        "created_at": "2026-01-31T11:00:00.000Z",
    },
    "wallets": [A_WALLET],
    "transactions": [{"wallet": WALLET, **A_REFUSED_CHARGE}, {"wallet": WALLET, **A_CHARGE}],
    "approvals": [AN_APPROVAL],
    "keys": [],
}


class PersonalDataAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Role.choices)
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    phone_number = serializers.CharField()
    company_name = serializers.CharField(allow_null=True, help_text="Null for a client.")
    url = serializers.CharField(allow_null=True, help_text="Of a company that gave one.")
    created_at = serializers.DateTimeField()


class ExportedTransaction(HistoryAnswer):
    wallet = serializers.UUIDField(help_text="The own wallet in whose history this is.")


class ExportAnswer(serializers.Serializer[Any]):
    customer = PersonalDataAnswer()
    wallets = WalletAnswer(many=True)
    transactions = ExportedTransaction(many=True)
    approvals = ApprovalAnswer(many=True)
    keys = serializers.ListField(child=serializers.CharField(), help_text="Empty today.")


class ExportView(ApiView):
    """What happens while the export is read may be in it or not.

    Other people's wallets are named as they are to the customer, by their addresses, also when an
    operator asks: the export is for the customer.
    """

    tag = "accounts"

    @operation(
        "customer_export",
        "All that the service has about a customer: own token or an operator's; streamed",
        answer=ExportAnswer,
        answer_example=AN_EXPORT,
        refusals=[PermissionDenied, CustomerNotFound],
    )
    def get(self, request: Request, customer_id: UUID) -> StreamingHttpResponse:
        customer = customer_of(request, customer_id)
        record_of_staff(request, Action.VIEW, customer)
        return StreamingHttpResponse(_export(customer), content_type="application/json")


def _export(customer: User) -> Iterator[bytes]:
    """Yield the export as one JSON object, a row at a time."""
    head = {"customer": _personal_data(customer)}
    yield render_json(head).removesuffix(b"}")
    yield from _array("wallets", map(wallet_answer, each_wallet_of(customer)))
    yield from _array("transactions", _transactions(customer))
    approvals = (approval_answer(each, customer) for each in each_approval_of(customer))
    yield from _array("approvals", approvals)
    yield from _array("keys", ())
    yield b"}"


def _personal_data(customer: User) -> dict[str, Any]:
    company = customer.company if customer.role == Role.COMPANY else None
    person = company or customer.client
    return {
        "id": customer.pk,
        "kind": customer.role,
        "email": customer.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone_number": str(person.phone_number),
        "company_name": company and company.name,
        "url": company and company.url,
        "created_at": rfc3339(customer.created_at),
    }


def _transactions(customer: User) -> Iterator[dict[str, Any]]:
    """Yield the history of each wallet, a transfer between two of them once for each."""
    for wallet in each_wallet_of(customer):
        for entry, names in with_names(customer, whole_history(wallet.id)):
            yield {"wallet": wallet.id, **history_answer(entry, names)}


def _array(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield one more member of the object, an array."""
    yield b',"%s":[' % name.encode()
    for number, row in enumerate(rows):
        yield (b"," if number else b"") + render_json(row)
    yield b"]"
