"""The paths of commerce."""

from django.urls import path

from commerce import views
from commerce.health import HealthView

urlpatterns = [
    path("api/v1/health", HealthView.as_view()),
    path("wallet/deposit", views.DepositView.as_view()),
    path("wallet/withdraw", views.WithdrawView.as_view()),
    path("wallet/transfer", views.TransferView.as_view()),
    path("wallet/charge", views.ChargeView.as_view()),
    path("wallet/refund", views.RefundView.as_view()),
]
