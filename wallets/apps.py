"""Wallets, as a Django app."""

from django.apps import AppConfig


class WalletsConfig(AppConfig):
    name = "wallets"
