"""The paths of commerce."""

from django.urls import path

from commerce.views import by_token, platform_credits, resources
from commerce.views.charge_batch import ChargesView
from commerce.views.customers import CustomerView
from commerce.views.health import HealthView
from commerce.views.intake import IntakeView, ProcessorStatusView, QueuedView
from commerce.views.platform_ledger import LedgerView
from commerce.views.wallet_transactions import WalletTransactionsView

urlpatterns = [
    path("wallet/deposit", by_token.DepositView.as_view()),
    path("wallet/withdraw", by_token.WithdrawView.as_view()),
    path("wallet/transfer", by_token.TransferView.as_view()),
    path("wallet/charge", by_token.ChargeView.as_view()),
    path("wallet/charges", ChargesView.as_view()),
    path("wallet/refund", by_token.RefundView.as_view()),
    path("wallets", resources.CreateView.as_view()),
    path("wallets/fund", resources.FundView.as_view()),
    path("wallets/transfer", resources.TransferView.as_view()),
    path("wallets/<id:wallet_id>/deposit", resources.DepositView.as_view()),
    path("wallets/<id:wallet_id>/withdraw", resources.WithdrawView.as_view()),
    path("customer/<id:customer_id>", CustomerView.as_view()),
    path("transaction", IntakeView.as_view()),
    path("transaction/<id:queued_id>", QueuedView.as_view()),
    path("processor/status", ProcessorStatusView.as_view()),
    path("wallets/<id:wallet_id>/transactions", WalletTransactionsView.as_view()),
    path("api/v1/health", HealthView.as_view()),
    path("api/v1/wallet/topup", platform_credits.TopUpView.as_view()),
    path("api/v1/wallet/bonus", platform_credits.BonusView.as_view()),
    path("api/v1/wallet/spend", platform_credits.SpendView.as_view()),
    path("api/v1/wallet/balance/<id:user_id>/<str:symbol>", platform_credits.BalanceView.as_view()),
    path("api/v1/wallet/balances/<id:user_id>", platform_credits.BalancesView.as_view()),
    path("api/v1/wallet/transactions/<id:user_id>", platform_credits.TransactionsView.as_view()),
    path("api/v1/wallet/ledger/<id:user_id>", LedgerView.as_view()),
]
