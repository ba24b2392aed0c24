"""The paths."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.plain.views import AccountView, TransferView


def status(_request: HttpRequest) -> HttpResponse:
    """Answer that it serves."""
    return HttpResponse()


urlpatterns = [
    path("status", status),
    path("accounts/<uuid:pk>", AccountView.as_view()),
    path("transfers", TransferView.as_view()),
]
