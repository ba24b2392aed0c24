"""The paths of wallets."""

from django.urls import path

from wallets import views

urlpatterns = [
    path("wallet/create", views.CreateWalletView.as_view()),
    path("wallet/info/<id:token>", views.WalletInfoView.as_view()),
    path("wallet/list", views.WalletListView.as_view()),
]
