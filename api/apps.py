"""The HTTP API for programs."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        """Register the security scheme of the tokens, for the schema."""
        from api.http import token_scheme  # noqa: F401, PLC0415 (registers itself)
