"""The paths of the ledger."""

from django.urls import path

from ledger.views.by_token import WalletHistoryView
from ledger.views.resources import WalletView
from ledger.views.statement import StatementView

urlpatterns = [
    path("wallet/history/<id:token>", WalletHistoryView.as_view()),
    path("wallets/<id:wallet_id>", WalletView.as_view()),
    path("wallets/<id:wallet_id>/statement", StatementView.as_view()),
]
