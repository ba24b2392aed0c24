"""Accounts: who is who."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Make the token's scheme known to the schema: extensions register on import."""
        from accounts import openapi  # noqa: F401, PLC0415
