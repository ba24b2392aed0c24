"""Intake: what was accepted and runs later."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"
