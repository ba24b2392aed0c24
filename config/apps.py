"""Config: the app that decides where warnings and crashes are written."""

import logging

from django.apps import AppConfig
from django.conf import settings

from config import logs


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Where machines read the log, let them read of warnings and crashes there, too."""
        if settings.LOG_FORM == "json":
            logging.captureWarnings(True)
            logs.log_crashes()
