"""All paths: each lives in exactly one app."""

from django.contrib import admin
from django.urls import include, path, register_converter
from django.views.generic import RedirectView
from drf_spectacular.views import (
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from commerce.views.metrics import MetricsView
from core.http.converters import IdConverter
from core.http.schema_view import SchemaView

register_converter(IdConverter, "id")

urlpatterns = [
    # Django tries one after the other: what is asked for most comes first.
    path("", include("commerce.urls")),
    path("", include("wallets.urls")),
    path("", include("ledger.urls")),
    path("", include("accounts.urls")),
    path("", include("core.urls")),
    path("api", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="swagger"),
    path(
        "api/redoc",
        SpectacularRedocView.as_view(url_name="schema", template_name="redoc.html"),
        name="redoc",
    ),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("metrics", MetricsView.as_view()),
    path("admin", RedirectView.as_view(url="/admin/", http_method_names=["get", "head"])),
    path("admin/", admin.site.urls),
]
