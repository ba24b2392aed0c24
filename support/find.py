"""The page that finds: one box, and everything around what it was given."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import support_actions
from accounts.models import Action
from api.http.client_address import client_address
from support.customers import operator_of
from support.related_records import LooksLikeToken, RelatedRecords, find_related, parse_query
from support.related_tables import related_tables

MISHAP = (
    "That may be an API token, which is a secret: it was not looked up, and not kept. If it is one,"
    " its owner should log out everywhere. A wallet's token is a UUID."
)


class FindForm(forms.Form):
    """Sent by POST, so that what people paste stays out of addresses and logs."""

    quoted = forms.CharField(
        label="What do you have?",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "placeholder": "Email, token of a wallet, request id, transaction, key …",
                "autocomplete": "off",
                "autofocus": True,
            }
        ),
    )


def find(request: HttpRequest) -> HttpResponseBase:
    """Ask what to find, and show everything around it.

    On the POST itself: what was typed stands in no address, whatever it was.
    """
    form = FindForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            kind, quoted = parse_query(form.cleaned_data["quoted"])
        except LooksLikeToken:
            form = FindForm()
            return _page(request, "Find", form=form, refused=MISHAP)
        return _found(request, kind, quoted)
    return _page(request, "Find", form=form)


def found(request: HttpRequest, kind: str, key: uuid.UUID) -> HttpResponse:
    """Show everything around something that a page links to: by its kind and id."""
    return _found(request, kind, str(key))


def _found(request: HttpRequest, kind: str, quoted: str) -> HttpResponse:
    """Show everything around something, and record who was looked at."""
    trail = find_related(kind, quoted)
    operator = operator_of(request)
    for person in trail.people:
        support_actions.record(
            Action.VIEW,
            actor_id=operator.pk,
            subject_kind="user",
            subject_id=person.pk,
            result=f"Everything around a {kind}"
            if kind != "quoted"
            else "Found by what was quoted",
            address=client_address(request),
        )
    title = "Nothing found" if trail.is_empty else f"Everything around {_name(kind, quoted, trail)}"
    form = FindForm()
    return _page(
        request, title, form=form, trail=trail, quoted=quoted, tables=related_tables(trail)
    )


def _page(request: HttpRequest, title: str, **context: Any) -> TemplateResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, "admin/find.html", context)


def _name(kind: str, quoted: str, trail: RelatedRecords) -> str:
    if kind == "person":
        return trail.people[0].email
    return {"queued": f"queued transaction {quoted}", "quoted": f"“{quoted}”"}.get(
        kind, f"{kind} {quoted}"
    )
