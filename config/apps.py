"""Config: the app that brings the `serve` command."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Names the app."""

    name = "config"
