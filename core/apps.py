"""Core: how the service speaks and counts."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
