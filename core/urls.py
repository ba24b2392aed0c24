"""The paths of core."""

from django.urls import path

from core import views

urlpatterns = [
    path("status", views.StatusView.as_view()),
    path("idempotency/<path:key>", views.IdempotencyView.as_view()),
]
