"""What the pages of the admin share: operators look, page by page, and act through a form.

django-unfold draws the pages. It has no types: to mypy its classes are Django's, which they extend.
"""

import uuid
from collections.abc import Callable, Sequence
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

M = TypeVar("M", bound=Model)
Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
else:
    from unfold import admin as unfold

    class _Generic:
        """Lets `ModelAdmin[User]` be written, which Django's own classes do not."""

        def __class_getitem__(cls, _models: Any) -> type:
            return cls

    class ModelAdmin(_Generic, unfold.ModelAdmin):
        pass

    class TabularInline(_Generic, unfold.TabularInline):
        pass


def action(**options: Any) -> Callable[[Function], Function]:
    """Make a method of an admin a button on an object's page (unfold's decorator, typed)."""
    return cast(Callable[[Function], Function], decorators.action(**options))


def display(**options: Any) -> Callable[[Function], Function]:
    """Say how a column is drawn (unfold's decorator, typed)."""
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


def as_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that somebody has typed, if it is one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=SupportAction._meta.get_field("reason").max_length,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept for good, with your name.",
    )


class KeysetPaginator:
    """Tells the foot of a list which template to use; it counts nothing."""

    template_name = "admin/keyset_pages.html"


class KeysetChangeList(ChangeList):
    """A list whose pages cost the same at any depth: no COUNT, no OFFSET, no sorting.

    `?p=` is the key of the last row of the page before; the key is the one field of `ordering`.
    """

    #: What stands above the list, if anything.
    note = ""
    #: The query string of the next page, and what its link says.
    next_page: str | None
    next_label = "Next"
    #: Whether `?p=` may be a moment, too.
    takes_moments = False

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the admin's own: any other order would sort the whole table."""
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
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
        """Return the rows after a key, and the last one's key unless nothing follows it.

        Raises `ValidationError` for what cannot be a key.
        """
        [ordering] = self.model_admin.ordering or ()
        name = str(ordering).removeprefix("-")
        rows = self.queryset
        if after is not None:
            column: Any = self.opts.get_field(name)
            comparison = "gt" if name == ordering else "lt"
            # A key that the database makes has no field in a form.
            field = column.formfield()
            key = field.clean(after) if field else column.to_python(after)
            rows = rows.filter(**{f"{name}__{comparison}": key})
        found = list(rows[: self.list_per_page + 1])
        page = found[: self.list_per_page]
        return page, str(getattr(page[-1], name)) if len(found) > len(page) else None


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
    """A table that every operator may look at, and nobody adds to, changes or deletes from."""

    list_filter: ClassVar[tuple[type[ChoiceFilter], ...]] = ()
    list_per_page = 50
    list_before_template = "admin/list_note.html"
    sortable_by = ()
    actions = None
    show_full_result_count = False
    #: What a support action on one of these is said to be about; "" where nothing is recorded.
    subject_kind = ""
    #: Whether it is on record who looked at an object's page: where people's data are.
    views_are_recorded = False
    show_facets = ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the filters on the page. Any other would guess at what is not shown, or scan."""
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

    def record(
        self, request: HttpRequest, obj: M, action: Action, *, reason: str = "", result: str = ""
    ) -> None:
        """Write down what the operator did to the object."""
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
        """Keep it in our own record, which has reasons and addresses; nothing is in Django's."""
        self.record(request, obj, Action.ADD, result=str(obj))

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> None:  # type: ignore[override]
        fields = [name for part in message for name in part.get("changed", {}).get("fields", [])]
        self.record(request, obj, Action.CHANGE, result=", ".join(fields))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        answer = super().changeform_view(request, object_id, form_url, extra_context)
        shown = getattr(answer, "context_data", None) or {}
        if self.views_are_recorded and request.method == "GET" and shown.get("original"):
            self.record(request, shown["original"], Action.VIEW)
        return answer

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to what operators did to the object."""
        return redirect(page_url("accounts_supportaction_changelist", q=unquote(object_id)))

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Return the buttons of an object's page that `offers` offers (unfold's hook)."""
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # unfold's
        obj = self.get_object(request, object_id) if actions else None
        return [
            button
            for button in actions
            if obj and self.offers(obj, button.method.original_function_name)
        ]

    def offers(self, obj: M, action_name: str) -> bool:
        """Whether the button makes sense for the object as it is."""
        return True

    def ask(
        self, request: HttpRequest, obj: M, form: forms.Form, *, title: str, facts: str, button: str
    ) -> TemplateResponse:
        """Return the page that shows a form before something is done to the object."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": title,
            "facts": facts,
            "form": form,
            "button": button,
        }
        return TemplateResponse(request, "admin/ask.html", context)


def is_operator(request: HttpRequest) -> bool:
    """Whether the request comes from somebody who may be in the admin at all."""
    return request.user.is_active and request.user.is_staff
