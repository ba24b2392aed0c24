"""Support: the admin for support staff."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class SupportConfig(AppConfig):
    name = "support"
    default = True


class SupportAdminConfig(admin.AdminConfig):
    """Django's admin with the site that requires a second factor."""

    default = False
    default_site = "support.site.SupportSite"
