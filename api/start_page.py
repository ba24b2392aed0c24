"""`GET /`: where a person who opens the service's address finds the rest."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from api.http.negotiation import preferred_type


class StartPageView(View):
    """Answers browsers with a page of links, and programs with the 404 of an unknown path."""

    http_method_names = ("get", "head")

    def get(self, request: HttpRequest) -> HttpResponse:
        accept = request.META.get("HTTP_ACCEPT", "")
        if preferred_type(accept, ("application/json", "text/html")) != "text/html":
            raise Http404
        return render(request, "start_page.html")
