"""The paths of the ledger."""

from django.urls import path

from ledger import views

urlpatterns = [path("wallet/history/<id:token>", views.WalletHistoryView.as_view())]
