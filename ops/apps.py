"""The app of the operations."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "ops"
