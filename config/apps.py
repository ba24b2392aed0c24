"""Config: the app that brings the `serve` command."""

import logging

from django.apps import AppConfig
from django.conf import settings

from config import logs


class ConfigConfig(AppConfig):
    """Names the app."""

    name = "config"

    def ready(self) -> None:
        """Where machines read the log, let them read of warnings and crashes there, too."""
        if settings.LOG_FORM == "json":
            logging.captureWarnings(True)
            logs.log_crashes()
