"""Config: the app that brings the `serve` command, and the admin's site."""

import logging

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin

from config import logs


class ConfigConfig(AppConfig):
    """Names the app."""

    name = "config"
    default = True

    def ready(self) -> None:
        """Where machines read the log, let them read of warnings and crashes there, too."""
        if settings.LOG_FORM == "json":
            logging.captureWarnings(True)
            logs.log_crashes()


class SupportAdminConfig(admin.AdminConfig):
    """Django's admin with our site: one that asks for a second factor."""

    default = False
    default_site = "accounts.site.SupportSite"
