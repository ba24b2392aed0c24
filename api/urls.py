"""The paths of the API. Django tries them in this order: the most called ones come first."""

from django.urls import path, register_converter

from accounts.models import Role
from api import assets, customer_export, health, idempotency
from api.accounts import customers, fees, limits, me, password_reset, sessions
from api.by_token import approvals, charge_batch, history, movements, paytokens, wallets
from api.credits import ledger as credit_ledger
from api.credits import movements as credit_movements
from api.credits import trades as credit_trades
from api.holds import views as holds
from api.http.converters import IdConverter
from api.intake import transactions as intake
from api.requests import views as requests
from api.resources import movements as resources
from api.resources import statement, transactions, wallet_details

register_converter(IdConverter, "id")

urlpatterns = [
    path("wallet/deposit", movements.DepositView.as_view()),
    path("wallet/withdraw", movements.WithdrawView.as_view()),
    path("wallet/transfer", movements.TransferView.as_view()),
    path("wallet/charge", movements.ChargeView.as_view()),
    path("wallet/charges", charge_batch.ChargesView.as_view()),
    path("wallet/refund", movements.RefundView.as_view()),
    path("wallet/freeze", wallets.FreezeView.as_view()),
    path("wallet/approvals", approvals.ApprovalsView.as_view()),
    path("wallet/approvals/<id:approval_id>", approvals.ApprovalView.as_view()),
    path("paytokens", paytokens.PayTokensView.as_view()),
    path("paytokens/<id:paytoken_id>", paytokens.PayTokenView.as_view()),
    path("payment-requests", requests.PaymentRequestsView.as_view()),
    path("payment-requests/<id:request_id>", requests.PaymentRequestView.as_view()),
    path("payment-requests/<id:request_id>/pay", requests.PayView.as_view()),
    path("payment-requests/<id:request_id>/cancel", requests.CancelView.as_view()),
    path("holds", holds.HoldsView.as_view()),
    path("holds/<id:hold_id>", holds.HoldView.as_view()),
    path("holds/<id:hold_id>/capture", holds.CaptureView.as_view()),
    path("holds/<id:hold_id>/increment", holds.IncrementView.as_view()),
    path("holds/<id:hold_id>/void", holds.VoidView.as_view()),
    path("wallets", resources.CreateView.as_view()),
    path("wallets/fund", resources.FundView.as_view()),
    path("wallets/transfer", resources.TransferView.as_view()),
    path("wallets/<id:wallet_id>/deposit", resources.DepositView.as_view()),
    path("wallets/<id:wallet_id>/withdraw", resources.WithdrawView.as_view()),
    path("me", me.MeView.as_view()),
    path("customer/<id:customer_id>", customers.CustomerView.as_view()),
    path("transaction", intake.IntakeView.as_view()),
    path("transaction/<id:queued_id>", intake.QueuedView.as_view()),
    path("processor/status", intake.ProcessorStatusView.as_view()),
    path("wallets/<id:wallet_id>/transactions", transactions.WalletTransactionsView.as_view()),
    path("api/v1/health", health.HealthView.as_view()),
    path("api/v1/wallet/topup", credit_movements.TopUpView.as_view()),
    path("api/v1/wallet/bonus", credit_movements.BonusView.as_view()),
    path("api/v1/wallet/spend", credit_movements.SpendView.as_view()),
    path("api/v1/wallet/group", credit_trades.GroupView.as_view()),
    path("api/v1/wallet/balance/<id:user_id>/<str:symbol>", credit_movements.BalanceView.as_view()),
    path("api/v1/wallet/balances/<id:user_id>", credit_movements.BalancesView.as_view()),
    path("api/v1/wallet/transactions/<id:user_id>", credit_movements.TransactionsView.as_view()),
    path("api/v1/wallet/ledger/<id:user_id>", credit_ledger.LedgerView.as_view()),
    path("wallet/create", wallets.CreateWalletView.as_view()),
    path("wallet/info/<id:token>", wallets.WalletInfoView.as_view()),
    path("wallet/list", wallets.WalletListView.as_view()),
    path("wallet/history/<id:token>", history.WalletHistoryView.as_view()),
    path("wallets/<id:wallet_id>", wallet_details.WalletView.as_view()),
    path("wallets/<id:wallet_id>/statement", statement.StatementView.as_view()),
    path("client/signup", sessions.ClientSignUpView.as_view()),
    path("client/login", sessions.ClientLogInView.as_view()),
    path("client/logout", sessions.LogOutView.as_view()),
    path("client/logoutall", sessions.LogOutEverywhereView.as_view()),
    path("client/password", sessions.PasswordView.as_view()),
    path("company/signup", sessions.CompanySignUpView.as_view()),
    path("company/login", sessions.CompanyLogInView.as_view()),
    path("company/logout", sessions.LogOutView.as_view()),
    path("company/logoutall", sessions.LogOutEverywhereView.as_view()),
    path("company/password", sessions.PasswordView.as_view()),
    path("customer/<id:customer_id>/export", customer_export.ExportView.as_view()),
    path("company/<id:account_id>/limits", limits.LimitsView.as_view(role=Role.COMPANY)),
    path("company/<id:company_id>/fee", fees.FeeView.as_view()),
    path("customer/<id:account_id>/limits", limits.LimitsView.as_view(role=Role.CLIENT)),
    path("password/reset", password_reset.ResetView.as_view()),
    path("password/reset/confirm", password_reset.ResetConfirmationView.as_view()),
    path("assets", assets.AssetsView.as_view()),
    path("status", health.StatusView.as_view()),
    path("idempotency/<path:key>", idempotency.IdempotencyView.as_view()),
]
