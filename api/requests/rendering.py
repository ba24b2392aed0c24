"""A payment request as the API shows it."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import Role, User
from accounts.profiles import name_of
from api.examples import COMPANY, PAYMENT_REQUEST, TRANSACTION
from api.http.fields import MetadataField, MoneyField
from api.http.qr_codes import qr_code
from commerce.models import PaymentRequest, RequestStatus
from core.times import rfc3339
from wallets.assets import to_decimal
from wallets.references import wallet_ref

AN_OPEN_REQUEST = {
    "id": PAYMENT_REQUEST,
    "status": RequestStatus.OPEN,
    "amount": Decimal("12.50"),
    "currency": "USD",
    "summary": "Two coffees and a cake",
    "reference": "order-1017",
    "metadata": {"table": "4"},
    "tips": True,
    "payee": {"name": "Corner Shop", "kind": Role.COMPANY, "id": COMPANY},
    "url": f"https://wallet.example/pay/{PAYMENT_REQUEST}",
    "qr": "data:image/svg+xml;charset=utf-8,%3Csvg…",
    "expires_at": "2026-01-31T12:15:00.000Z",
    "paid_at": None,
    "paid_amount": None,
    "tip": None,
    "fee": None,
    "transaction": None,
}
A_PAID_REQUEST = {
    **AN_OPEN_REQUEST,
    "status": RequestStatus.PAID,
    "paid_at": "2026-01-31T12:01:00.000Z",
    "paid_amount": Decimal("14.00"),
    "tip": Decimal("1.50"),
    "fee": Decimal("0.00"),
    "transaction": TRANSACTION,
}


class PayeeAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[Role.CLIENT, Role.COMPANY])
    id = serializers.UUIDField(required=False, help_text="Of a company.")


class PaymentRequestAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=RequestStatus.choices)
    amount = MoneyField(allow_null=True, help_text="Null: the payer names it.")
    currency = serializers.CharField()
    summary = serializers.CharField()
    reference = serializers.CharField(allow_null=True, help_text="To the payee and operators.")
    metadata = MetadataField(allow_null=True, help_text="To the payee and operators.")
    tips = serializers.BooleanField(help_text="Whether the payer may add a tip.")
    payee = PayeeAnswer()
    url = serializers.CharField()
    qr = serializers.CharField(
        allow_null=True, help_text="Of the `url`: an SVG as a `data:` URI. Null in lists."
    )
    expires_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    paid_amount = MoneyField(allow_null=True, help_text="With the tip.")
    tip = MoneyField(allow_null=True)
    fee = MoneyField(allow_null=True, help_text="To the payee and operators, once it is paid.")
    transaction = serializers.UUIDField(
        allow_null=True, help_text="To payee and payer, once it is paid."
    )


def listed_request(payment: PaymentRequest, request: Request) -> dict[str, Any]:
    """Return the payment request as whoever calls may see it, without the picture.

    To draw one takes some milliseconds, and a list has up to two hundred.
    """
    caller = request.user if isinstance(request.user, User) else None
    wallet = wallet_ref(payment.wallet_id)
    is_payee = caller is not None and payment.payee_id == caller.pk
    sees_all = is_payee or (caller is not None and caller.role == Role.OPERATOR)
    is_paid = payment.status == RequestStatus.PAID
    url = f"{settings.PUBLIC_URL or request.build_absolute_uri('/').rstrip('/')}/pay/{payment.id}"
    return {
        "id": payment.id,
        "status": payment.status,
        "amount": to_decimal(payment.amount_minor, wallet.asset_id),
        "currency": wallet.asset_id,
        "summary": payment.summary,
        "reference": payment.reference if sees_all else None,
        "metadata": payment.metadata if sees_all else None,
        "tips": payment.takes_tips,
        "payee": _payee(payment.payee),
        "url": url,
        "qr": None,
        "expires_at": rfc3339(payment.expires_at),
        "paid_at": payment.paid_at and rfc3339(payment.paid_at),
        "paid_amount": to_decimal(payment.paid_minor, wallet.asset_id),
        "tip": to_decimal(payment.tip_minor, wallet.asset_id),
        "fee": to_decimal(payment.fee_minor or 0, wallet.asset_id)
        if sees_all and is_paid
        else None,
        "transaction": payment.transaction_id if is_payee or _is_payer(payment, caller) else None,
    }


def request_answer(payment: PaymentRequest, request: Request) -> dict[str, Any]:
    """Return the payment request as whoever calls may see it."""
    answer = listed_request(payment, request)
    return {**answer, "qr": _qr_code(answer["url"])}


#: Whoever waits for a payment asks again and again.
_qr_code = lru_cache(2_000)(qr_code)


def _payee(payee: User) -> dict[str, Any]:
    # Who has left has no name any more.
    shown = {"name": name_of(payee) if payee.is_active else "", "kind": payee.role}
    return {**shown, "id": payee.pk} if payee.role == Role.COMPANY else shown


def _is_payer(payment: PaymentRequest, caller: User | None) -> bool:
    if caller is None or payment.payer_wallet_id is None:
        return False
    return wallet_ref(payment.payer_wallet_id).owner_id == caller.pk
