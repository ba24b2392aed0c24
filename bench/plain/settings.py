"""The settings: DRF's defaults, and no middleware, which is in its favour."""

from config.settings import (
    ANSWER_BYTES_PER_SECOND,
    ANSWER_TIMEOUT_MS,
    BODY_TIMEOUT_MS,
    DATABASES,
    HEAD_TIMEOUT_MS,
    SECRET_KEY,
)
from ops.embedded_postgres import Role

__all__ = [
    "ANSWER_BYTES_PER_SECOND",
    "ANSWER_TIMEOUT_MS",
    "BODY_TIMEOUT_MS",
    "DATABASES",
    "HEAD_TIMEOUT_MS",
    "SECRET_KEY",
]

DATABASES["default"] |= {"NAME": "plain", "USER": Role.OWNER}
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "bench.plain",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.plain.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
