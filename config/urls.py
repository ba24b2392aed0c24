"""All paths: the API, its documentation, the metrics and the admin."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from drf_spectacular.views import (
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

import api.urls
from api.http.routes import IndexedResolver
from api.http.schema_view import SchemaView
from api.metrics import MetricsView
from api.start_page import StartPageView

urlpatterns = [
    IndexedResolver(api.urls.urlpatterns),
    path("api", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="swagger"),
    path(
        "api/redoc",
        SpectacularRedocView.as_view(url_name="schema", template_name="redoc.html"),
        name="redoc",
    ),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("", StartPageView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("admin", RedirectView.as_view(url="/admin/", http_method_names=["get", "head"])),
    path("admin/", admin.site.urls),
]
