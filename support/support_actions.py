"""Support actions in the admin: actor, action, subject, reason and address."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import Action, SupportAction, User
from support.operator_admin import ChoiceFilter, OperatorAdmin, as_uuid, display, link, time_text

#: The page of the subject of a support action.
SUBJECT_PAGES = {
    "user": "accounts_user_change",
    "wallet": "wallets_wallet_change",
    "transaction": "ledger_transaction_change",
    "hold": "ledger_hold_change",
    "asset": "wallets_asset_change",
}


class ActionFilter(ChoiceFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Action.choices


@admin.register(SupportAction)
class SupportActionAdmin(OperatorAdmin[SupportAction]):
    list_display = ("when", "actor", "action_label", "subject", "reason", "result")
    list_filter = (ActionFilter,)
    would_show = "What operators did stands here: log-ins, pages they viewed, freezes, adjustments."
    ordering = ("-id",)
    search_fields = ("subject_id",)  # shows the search box; `get_search_results` searches
    search_help_text = "Email, id of a person or a wallet, request id"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("created_at", "actor"),
                    ("action_label", "subject"),
                    ("reason", "result"),
                    ("address", "request_id"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        emails = User.objects.filter(pk=OuterRef("actor_id")).values("email")[:1]
        return super().get_queryset(request).annotate(actor_email=Subquery(emails))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if "@" in text:
            user = User.objects.with_email(text).first()
            if user is not None:
                text = str(user.pk)
        condition = Q(subject_id=text) | Q(request_id=text)
        if as_uuid(text):
            condition |= Q(actor_id=text)
        return queryset.filter(condition), False

    @display(description="when (UTC)")
    def when(self, row: SupportAction) -> str:
        return time_text(row.created_at)

    @display(description="who")
    def actor(self, row: Any) -> SafeString | str:
        if row.actor_id is None:
            return "not logged in" if row.action == Action.LOG_IN_FAILED else "a command"
        return link(row.actor_email, "accounts_user_change", row.actor_id)

    @display(
        description="action",
        label={
            Action.LOG_IN_FAILED.label: "danger",
            Action.SECOND_FACTOR_FAILED.label: "danger",
            Action.ADJUSTMENT_REFUSED.label: "danger",
            Action.MOVE_REFUSED.label: "danger",
            Action.VIEW.label: "info",
        },
    )
    def action_label(self, row: SupportAction) -> str:
        return row.get_action_display()

    @display(description="to what")
    def subject(self, row: SupportAction) -> SafeString | str:
        view = SUBJECT_PAGES.get(row.subject_kind)
        name = f"{row.subject_kind} {row.subject_id}"
        return link(name, view, row.subject_id) if view else name
