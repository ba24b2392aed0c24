"""The search page of the admin: it shows the records related to one query."""

import re
import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import support_actions
from accounts.models import Action, User
from api.http.client_address import client_address
from core.ids import time_of_uuid7
from support.customer_search import customers_by_profile, phone_number_of
from support.customers import operator_of
from support.operator_admin import as_uuid
from support.related_records import PossibleSecret, RelatedRecords, find_related, identify
from support.related_tables import customer_table, related_tables

REFUSED_QUERY = (
    "That may be an API token or a pay token, which is a secret: it was not looked up, and not"
    " kept. If it is one, its owner should log out everywhere, or revoke the pay token. A wallet's"
    " token and the id of a pay token are UUIDs."
)

#: How many customers of one name the page lists.
CUSTOMERS_SHOWN = 50
#: Words of a request id or a key have digits, which those of a name seldom have.
_REQUEST_ID = re.compile(r"(?=.*[0-9])\S+")
#: A phone number that was written as one has it at home.
_NATIONAL_NUMBER = re.compile(r"[0-9 ()./-]{6,}")


class FindForm(forms.Form):
    """Sent by POST, so that the query is in no URL and no access log."""

    query = forms.CharField(
        label="What do you have?",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "placeholder": "Email, +phone, name, wallet's token, transaction, key …",
                "autocomplete": "off",
                "autofocus": True,
            }
        ),
    )


def find(request: HttpRequest) -> HttpResponseBase:
    """Show the search form, and the records related to the query.

    The POST itself returns the result, without a redirect: no URL contains the query.
    """
    form = FindForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            kind, query = identify(form.cleaned_data["query"])
        except PossibleSecret:
            form = FindForm()
            return _page(request, "Find", form=form, refused=REFUSED_QUERY)
        return _related_page(request, kind, query, typed=form.cleaned_data["query"])
    return _page(request, "Find", form=form)


def related(request: HttpRequest, kind: str, key: uuid.UUID) -> HttpResponse:
    """Show the records related to an object, which the URL names by its kind and id."""
    return _related_page(request, kind, str(key))


def _related_page(
    request: HttpRequest, kind: str, query: str, *, typed: str | None = None
) -> HttpResponse:
    """Show the related records, and record a support action for each user among them.

    The search form keeps what was `typed`, so that a slip of it can be mended.
    """
    related = find_related(kind, query)
    if related.is_empty and kind == "text":
        customers = _customers_like(query)
        if len(customers) == 1:
            return _related_page(request, "person", str(customers[0].pk), typed=typed)
        if customers:
            return _customers_page(request, customers, typed=typed)
    operator = operator_of(request)
    for user in related.users:
        support_actions.record(
            Action.VIEW,
            actor_id=operator.pk,
            subject_kind="user",
            subject_id=user.pk,
            result="Found by a text" if kind == "text" else f"Everything around the {_name(kind)}",
            address=client_address(request),
        )
    title = (
        "Nothing found"
        if related.is_empty
        else f"Everything around {_subject(kind, query, related)}"
    )
    return _page(
        request,
        title,
        form=FindForm(initial={"query": query if typed is None else typed}),
        related=related,
        notes=[] if related.is_empty and not _may_be_request_id(query) else related.notes,
        nothing_found=_nothing_found(query),
        tables=related_tables(related),
    )


def _customers_page(
    request: HttpRequest, customers: list[User], *, typed: str | None
) -> HttpResponse:
    """List the customers with a link to each. As any list, it is not recorded."""
    notes = []
    if len(customers) > CUSTOMERS_SHOWN:
        notes.append(f"More than {CUSTOMERS_SHOWN} customers match: these are some of them.")
    return _page(
        request,
        "Several customers",
        form=FindForm(initial={"query": typed}),
        notes=notes,
        tables=[customer_table(customers[:CUSTOMERS_SHOWN])],
    )


def _page(request: HttpRequest, title: str, **context: Any) -> TemplateResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, "admin/find.html", context)


def _subject(kind: str, query: str, related: RelatedRecords) -> str:
    if kind == "person":
        return related.users[0].email
    return f"“{query}”" if kind == "text" else f"{_name(kind)} {query}"


def _customers_like(query: str) -> list[User]:
    """Return customers with this phone number or name: one more than are shown, at most."""
    if "@" in query or as_uuid(query):
        return []
    ids = customers_by_profile(query, count=CUSTOMERS_SHOWN + 1)
    users = User.objects.filter(pk__in=ids).select_related("client", "company")
    return list(users.order_by("email"))


def _may_be_request_id(query: str) -> bool:
    is_phone_number = phone_number_of(query) is not None
    return "@" not in query and not is_phone_number and bool(_REQUEST_ID.fullmatch(query))


def _nothing_found(query: str) -> str:
    """Return what was looked for in vain, by what the query looks like."""
    if "@" in query:
        return (
            f"No account has the email address {query}. Whoever has left is found by the id only."
        )
    is_id = as_uuid(query) is not None
    if is_id and time_of_uuid7(query) is None:
        return (
            f"Nothing has the id {query}: no person, wallet, transaction, queued transaction,"
            " approval, pay token, payment request or hold, and no request or idempotency key."
        )
    if phone_number_of(query):
        return f"No customer has the phone number {query}."
    if _NATIONAL_NUMBER.fullmatch(query):
        return (
            f"No customer has the phone number {query}: it begins with + and the country's code."
            " No request id and no idempotency key reads like that, either."
        )
    if _may_be_request_id(query):
        no_name = "" if is_id else " No customer has a name that begins like that, either."
        return (
            f"No request id and no idempotency key {query} was found.{no_name} A request that was"
            " refused before it tried to move money leaves only a line in the log."
        )
    return f"No customer has a name that begins with “{query}”."


def _name(kind: str) -> str:
    """Return what people call a kind of record."""
    names = {
        "queued": "queued transaction",
        "paytoken": "pay token",
        "payment_request": "payment request",
    }
    return names.get(kind, kind)
