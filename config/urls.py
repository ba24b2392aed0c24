"""All paths: the API, its documentation, the metrics and the admin."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

import api.urls
from api.documentation.pages import RedocView, SwaggerView
from api.http.routes import IndexedResolver
from api.http.schema_view import SchemaView
from api.metrics import MetricsView
from api.start_page import StartPageView

urlpatterns = [
    IndexedResolver(api.urls.urlpatterns),
    path("api", SwaggerView.as_view(), name="swagger"),
    path("api/redoc", RedocView.as_view(), name="redoc"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("", StartPageView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("admin", RedirectView.as_view(url="/admin/", http_method_names=["get", "head"])),
    path("admin/", admin.site.urls),
]
