"""The doors `/wallet/*` through which money moves (seed 3)."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.authentication import caller_of
from accounts.permissions import HasRole, IsCompany, IsHolder
from commerce.bodies import (
    AmountBody,
    BalanceAnswer,
    ChargeAnswer,
    ChargeBody,
    RefundAnswer,
    RefundBody,
    TransferBody,
)
from commerce.cash import deposit, withdraw
from commerce.charges import ChargeFailed, ChargeNotFound, RefundExceedsCharge, charge, refund
from commerce.movements import Movement
from commerce.transfers import transfer
from core.errors import InvalidInput, PermissionDenied
from core.http.schema import operation
from core.http.views import ApiView, parse_body, respond_once
from core.money import AmountNotPositive
from ledger.errors import BalanceLimit, InsufficientFunds, WalletNotActive
from wallets.assets import money
from wallets.errors import CurrencyMismatch, NotCash, NoWallet, SameWallet, WalletNotFound
from wallets.models import Wallet

WALLET = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"
OTHER_WALLET = "4d2f7c61-1f0f-4c7e-8a53-8b7e5f6a2c22"
TRANSACTION = "019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607"
SHORT = InsufficientFunds(available=Decimal("12.50"), shortfall=Decimal("7.50"))
BAD_AMOUNT = InvalidInput({"amount": ["At most 2 decimals."]})
REFUSED_BY_POST = (WalletNotActive, BalanceLimit)


class MoneyView(ApiView):
    """A door through which the owner of a wallet moves money."""

    tag = "wallets by token"
    permission_classes: tuple[type[HasRole], ...] = (IsHolder,)


class DepositView(MoneyView):
    body = AmountBody()

    @operation(
        "wallet_deposit",
        "Deposit into an own wallet",
        body=body,
        sent={"wallet": WALLET, "amount": "100.00"},
        answer=BalanceAnswer,
        shown={"wallet": WALLET, "balance": Decimal("100.00")},
        refusals=[BAD_AMOUNT, AmountNotPositive, NotCash, WalletNotFound, *REFUSED_BY_POST],
        keyed=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: balance_of(
                deposit(
                    caller_of(request), wallet_id=fields["wallet"], amount=fields["amount"]
                ).target
            ),
        )


class WithdrawView(MoneyView):
    body = AmountBody()

    @operation(
        "wallet_withdraw",
        "Withdraw from an own wallet",
        body=body,
        sent={"wallet": WALLET, "amount": "20.00"},
        answer=BalanceAnswer,
        shown={"wallet": WALLET, "balance": Decimal("80.00")},
        refusals=[BAD_AMOUNT, AmountNotPositive, SHORT, NotCash, WalletNotFound, *REFUSED_BY_POST],
        keyed=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: balance_of(
                withdraw(
                    caller_of(request), wallet_id=fields["wallet"], amount=fields["amount"]
                ).source
            ),
        )


class TransferView(MoneyView):
    body = TransferBody()

    @operation(
        "wallet_transfer",
        "Transfer from an own wallet to another",
        body=body,
        sent={"source": WALLET, "target": OTHER_WALLET, "amount": "15.00", "summary": "Lunch"},
        answer=BalanceAnswer,
        shown={"wallet": WALLET, "balance": Decimal("65.00")},
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            WalletNotFound,
            *REFUSED_BY_POST,
        ],
        keyed=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        return respond_once(
            request,
            lambda: balance_of(
                transfer(
                    caller_of(request),
                    source_id=fields["source"],
                    target_id=fields["target"],
                    amount=fields["amount"],
                    summary=fields["summary"],
                ).source
            ),
        )


class ChargeView(MoneyView):
    permission_classes = (IsCompany,)
    body = ChargeBody()

    @operation(
        "wallet_charge",
        "Charge a payer's wallet by its token (companies)",
        body=body,
        sent={"wallet": OTHER_WALLET, "amount": 12.5, "summary": "Order 1017"},
        answer=ChargeAnswer,
        shown={"wallet": WALLET, "balance": Decimal("12.50"), "transaction": TRANSACTION},
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            InsufficientFunds,
            SameWallet,
            CurrencyMismatch,
            PermissionDenied,
            WalletNotFound,
            NoWallet,
            *REFUSED_BY_POST,
        ],
        keyed=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)

        def work() -> dict[str, Any]:
            movement = charge(
                caller_of(request),
                wallet_id=fields["wallet"],
                amount=fields["amount"],
                summary=fields["summary"],
            )
            return {**balance_of(movement.target), **transaction_of(movement)}

        return respond_once(request, work)


class RefundView(MoneyView):
    permission_classes = (IsCompany,)
    body = RefundBody()

    @operation(
        "wallet_refund",
        "Refund a charge, in whole or in part (companies)",
        body=body,
        sent={"transaction": TRANSACTION, "amount": "2.50", "summary": "One returned"},
        answer=RefundAnswer,
        shown={
            "wallet": WALLET,
            "balance": Decimal("10.00"),
            "transaction": OTHER_WALLET,
            "refunded": Decimal("2.50"),
        },
        refusals=[
            BAD_AMOUNT,
            AmountNotPositive,
            SHORT,
            PermissionDenied,
            ChargeNotFound,
            ChargeFailed,
            RefundExceedsCharge,
            *REFUSED_BY_POST,
        ],
        keyed=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)

        def work() -> dict[str, Any]:
            given_back = refund(
                caller_of(request),
                transaction_id=fields["transaction"],
                amount=fields.get("amount"),
                summary=fields["summary"],
            )
            wallet = given_back.movement.source
            return {
                **balance_of(wallet),
                **transaction_of(given_back.movement),
                "refunded": money(given_back.refunded_minor, wallet.asset_id),
            }

        return respond_once(request, work)


def balance_of(wallet: Wallet) -> dict[str, Any]:
    """Return a wallet's token and its balance after the movement."""
    return {"wallet": wallet.id, "balance": money(wallet.balance_minor, wallet.asset_id)}


def transaction_of(movement: Movement) -> dict[str, Any]:
    """Return the id of what happened."""
    return {"transaction": movement.outcome.transaction_id}
