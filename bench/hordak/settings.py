"""What django-hordak wants."""

from config.settings import DATABASES, SECRET_KEY
from ops.embedded_postgres import Role

__all__ = ["DATABASES", "SECRET_KEY"]

DATABASES["default"] |= {"NAME": "hordak", "USER": Role.OWNER}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "mptt",
    "hordak",
]
CURRENCIES = ["USD"]
DEFAULT_CURRENCY = "USD"
HORDAK_INTERNAL_CURRENCY = "USD"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
