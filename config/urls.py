"""All paths: the API, its documentation, the metrics and the admin."""

from django.contrib import admin
from django.urls import include, path, register_converter
from django.views.generic import RedirectView
from drf_spectacular.views import (
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from api.http.converters import IdConverter
from api.http.schema_view import SchemaView
from api.metrics import MetricsView

register_converter(IdConverter, "id")

urlpatterns = [
    path("", include("api.urls")),
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
