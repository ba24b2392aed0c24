"""The app that logs warnings and crashes."""

import logging

from django.apps import AppConfig
from django.conf import settings

from config import logs


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """With the JSON log, log warnings and crashes there too."""
        if settings.LOG_FORM == "json":
            logging.captureWarnings(True)
            logs.log_crashes()
