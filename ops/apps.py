"""Ops: running the service, and watching it."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "ops"
