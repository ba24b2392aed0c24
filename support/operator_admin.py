"""Base classes of the admin: read-only tables with keyset pages, and actions through a form.

django-unfold renders the pages. It has no types, so mypy sees the Django classes that it extends.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold import decorators
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts import support_actions
from accounts.models import Action, SupportAction
from api.http.client_address import client_address
from core.money import is_plain_decimal
from core.texts import validate_visible
from support.navigation import section_of, when_empty
from support.related_records import is_unknown_email
from wallets.assets import get_asset, to_decimal

M = TypeVar("M", bound=Model)
Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
else:
    from unfold import admin as unfold

    class _Generic:
        """Allows `ModelAdmin[User]`, which Django's own classes do not."""

        def __class_getitem__(cls, _models: Any) -> type:
            return cls

    class ModelAdmin(_Generic, unfold.ModelAdmin):
        pass


def action(**options: Any) -> Callable[[Function], Function]:
    """Make a method of an admin a button on an object's page (unfold's decorator, typed)."""
    return cast(Callable[[Function], Function], decorators.action(**options))


def display(**options: Any) -> Callable[[Function], Function]:
    """Set how a column is displayed (unfold's decorator, typed)."""
    return cast(Callable[[Function], Function], decorators.display(**options))


def page_url(view: str, *arguments: object, **query: object) -> str:
    """Return the URL of a page of the admin; `view` is its name there."""
    path = reverse(f"admin:{view}", args=arguments)
    return f"{path}?{urlencode(query)}" if query else path


def link(text: object, view: str, *arguments: object, **query: object) -> SafeString:
    """Return a link to a page of the admin."""
    classes = "text-primary-600 hover:underline dark:text-primary-500"
    url = page_url(view, *arguments, **query)
    return format_html('<a class="{}" href="{}">{}</a>', classes, url, text)


def label(text: object, variant: str) -> SafeString:
    """Return a word with a colour: success, warning, danger or info."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "variant": variant})


def amount_text(minor: int | None, symbol: str) -> str:
    """Return minor units as a decimal with the symbol, e.g. `1,250.00 USD`; "" for None."""
    return "" if minor is None else f"{to_decimal(minor, symbol):,f} {symbol}"


def plain_amount(text: str, symbol: str) -> str:
    """Return an amount written as `amount_text` does, with or without symbol, as a plain decimal.

    Thousands need no commas, and then no decimals. Any other text is returned as it is: `1,500` may
    be one and a half.
    """
    shown = text.removesuffix(f" {symbol}")
    if is_plain_decimal(shown):
        return shown
    plain = shown.replace(",", "")
    if is_plain_decimal(plain):
        amount = Decimal(plain)
        has_all_decimals = amount.as_tuple().exponent == -get_asset(symbol).decimals
        if has_all_decimals and f"{amount:,f}" == shown:
            return plain
    return text


def time_text(at: datetime) -> str:
    """Return a time as the tables show it, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the text as a UUID, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def reason_field() -> forms.CharField:
    """Return the field for the reason of a support action."""
    return forms.CharField(
        max_length=SupportAction._meta.get_field("reason").max_length,
        validators=[validate_visible],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept for good, with your name.",
    )


class ReasonForm(forms.Form):
    reason = reason_field()


class KeysetPaginator:
    """Names the template of the page links below a list. It runs no query."""

    template_name = "admin/keyset_pages.html"


class KeysetChangeList(ChangeList):
    """A list whose pages cost the same at any depth: no COUNT, no OFFSET, no sorting.

    `?p=` is the key of the last row of the page before; the key is the one field of `ordering`.
    """

    #: A notice above the list, if any.
    note = ""
    #: The query string of the next page, and the text of its link.
    next_page: str | None
    next_label = "Next"
    #: Whether `?p=` may also be a time.
    accepts_times = False

    @property
    def why_empty(self) -> str:
        """Why the list has no rows, as a sentence."""
        if self._when_empty:
            return self._when_empty
        if is_unknown_email(self.query):
            return f"No account has the email address {self.query.strip()}."
        if self.query or self.has_active_filters or self.first_page:
            return "Nothing here is what you looked for."
        return "There is nothing here yet."

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the ordering of the admin class: any other would sort the whole table."""
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        self._when_empty = when_empty(request)
        after = request.GET.get(PAGE_VAR)
        try:
            self.result_list, last_key = self.find_page(after)
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        self.next_page = last_key and self.get_query_string({PAGE_VAR: last_key})
        self.first_page = after and self.get_query_string()
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPaginator()

    def find_page(self, after: str | None) -> tuple[Sequence[Model], str | None]:
        """Return the rows after a key, and the key of the last row; None on the last page.

        Raises `ValidationError` for an invalid key.
        """
        [ordering] = self.model_admin.ordering or ()
        name = str(ordering).removeprefix("-")
        rows = self.queryset
        if after is not None:
            column: Any = self.opts.get_field(name)
            comparison = "gt" if name == ordering else "lt"
            # A key that the database generates has no form field.
            field = column.formfield()
            key = field.clean(after) if field else column.to_python(after)
            rows = rows.filter(**{f"{name}__{comparison}": key})
        with_next = list(rows[: self.list_per_page + 1])
        page = with_next[: self.list_per_page]
        return page, str(getattr(page[-1], name)) if len(with_next) > len(page) else None


class ChoiceFilter(admin.SimpleListFilter):
    """A filter by one value of the field `parameter_name`."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen is None:
            return queryset
        if chosen not in dict(self.lookup_choices):
            raise IncorrectLookupParameters
        return self.filtered(queryset, chosen)

    def filtered(self, queryset: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): chosen})


class OperatorAdmin(ModelAdmin[M]):
    """A table that operators may view, but not add to, change or delete from."""

    list_filter: ClassVar[tuple[type[ChoiceFilter], ...]] = ()
    list_per_page = 50
    list_before_template = "admin/list_note.html"
    #: What the list shows when it has rows, as a sentence for when it has none.
    would_show = ""
    sortable_by = ()
    actions = None
    show_full_result_count = False
    #: The `subject_kind` of support actions on these objects; "" where none are recorded.
    subject_kind = ""
    #: Whether each view of an object's page is recorded: for pages with personal data.
    views_are_recorded = False
    show_facets = ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": _section_title(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the filters on the page: others would probe hidden columns or scan a table."""
        return lookup in {choices.parameter_name for choices in self.list_filter}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return is_operator(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def record_action(
        self, request: HttpRequest, obj: M, action: Action, *, reason: str = "", result: str = ""
    ) -> None:
        """Record a support action on the object."""
        support_actions.record(
            action,
            actor_id=request.user.pk,
            subject_kind=self.subject_kind,
            subject_id=obj.pk,
            reason=reason,
            result=result,
            address=client_address(request),
        )

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> None:  # type: ignore[override]
        """Leave Django's log empty: support actions have a reason and an address."""

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> None:  # type: ignore[override]
        """Leave Django's log empty, as `log_addition` does."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if object_id is not None:
            extra_context = {"title": _section_title(request), **(extra_context or {})}
        response = super().changeform_view(request, object_id, form_url, extra_context)
        context = getattr(response, "context_data", None) or {}
        if self.views_are_recorded and request.method == "GET" and context.get("original"):
            self.record_action(request, context["original"], Action.VIEW)
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the support actions on the object."""
        return redirect(page_url("accounts_supportaction_changelist", q=unquote(object_id)))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Return the buttons of an object's page: the available actions (unfold's hook)."""
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # unfold's
        obj = self.get_object(request, object_id) if actions else None
        return [
            button
            for button in actions
            if obj and self.is_available(obj, button.method.original_function_name)
        ]

    def is_available(self, obj: M, action_name: str) -> bool:
        """Whether the action can be performed on the object in its present state."""
        return True

    def confirm_page(
        self,
        request: HttpRequest,
        obj: M,
        form: forms.Form,
        *,
        title: str,
        description: str,
        button: str,
        notices: Sequence[str] = (),
    ) -> TemplateResponse:
        """Return the page with the form that an operator fills in to perform an action."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": title,
            "description": description,
            "notices": notices,
            "form": form,
            "button": button,
        }
        return TemplateResponse(request, "admin/confirm.html", context)


def _section_title(request: HttpRequest) -> str:
    """Return what the sidebar calls the section of the page."""
    section = section_of(request)
    return section.title if section else ""


def is_operator(request: HttpRequest) -> bool:
    """Whether the request's user is an active operator."""
    return request.user.is_active and request.user.is_staff
