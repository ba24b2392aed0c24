"""Transactions, failed attempts and the trial balance for support. Nothing here writes."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from django import forms
from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import User
from ledger.history import MAX_ID, first_id_at
from ledger.kinds import FailureCode, Kind
from ledger.models import Transaction
from ledger.trial_balance import COLUMNS, Line, TrialBalanceTimeout, trial_balance
from support.operator_admin import (
    ChoiceFilter,
    KeysetChangeList,
    OperatorAdmin,
    amount_text,
    as_uuid,
    display,
    link,
)
from support.related_tables import transaction_table
from support.tables import Table
from support.transaction_search import (
    MAX_WALLETS,
    TRANSACTIONS_SCANNED,
    find_transactions,
    others_of_group,
    parse_query,
)
from support.wallets import AssetFilter
from wallets.assets import system_wallet_name, to_decimal
from wallets.models import PayToken

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Owners(TypedDict):
        source_owner: str | None
        target_owner: str | None
        actor: str | None

    Row = WithAnnotations[Transaction, _Owners]

#: The statement timeout of the trial balance page, in milliseconds.
TRIAL_BALANCE_TIMEOUT_MS = 10_000
COMPLETED, FAILED = "completed", "failed"


class KindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Kind.choices


class OutcomeFilter(ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        codes = [(code, f"Failed: {label}") for code, label in FailureCode.choices]
        return [(COMPLETED, "Completed"), (FAILED, "Failed"), *codes]

    def filtered(self, queryset: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        if chosen in (COMPLETED, FAILED):
            return queryset.filter(failure_code__isnull=chosen == COMPLETED)
        return queryset.filter(failure_code=chosen)


class TransactionChangeList(KeysetChangeList):
    """`?p=` is the id of the last transaction of the page before, or a time to start before."""

    accepts_times = True

    def find_page(self, after: str | None) -> tuple[Sequence[Model], str | None]:
        text = self.query.strip()
        query = parse_query(text, as_uuid(text))
        page = find_transactions(
            self.queryset,
            query,
            before=MAX_ID if after is None else _parse_position(after),
            count=self.list_per_page,
            is_filtered=self.has_active_filters,
        )
        self.next_label = "Search older ones" if page.is_truncated else "Older"
        notes = []
        if query.wallet_count == MAX_WALLETS:
            notes.append(f"Only the newest {MAX_WALLETS} wallets of this customer are searched.")
        if page.is_truncated and page.next_before:
            notes.append(
                f"Searched {TRANSACTIONS_SCANNED:,} transactions, back to"
                f" {_time_of(page.next_before):%Y-%m-%d %H:%M:%S} UTC, and none before."
                " “Search older ones” below continues; “Before (UTC)” starts at another time."
            )
        self.note = " ".join(notes)
        rows = self.root_queryset.filter(pk__in=page.ids).order_by("-pk")
        return list(rows), str(page.next_before) if page.next_before else None


class TimeForm(forms.Form):
    """A time, as `?at=2026-01-31T12:00:00Z`; without a zone it is UTC."""

    at = forms.DateTimeField(
        label="At (UTC)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"}),
    )


@admin.register(Transaction)
class TransactionAdmin(OperatorAdmin[Transaction]):
    list_display = ("created_at", "kind", "amount", "source", "target", "outcome")
    list_filter = (OutcomeFilter, KindFilter, AssetFilter)
    would_show = "Movements of money stand here, and attempts that were refused and moved nothing."
    ordering = ("-id",)
    search_fields = ("id",)  # shows the search box; `TransactionChangeList` searches
    search_help_text = "Transaction, token, address, email, request id"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("id", "created_at"),
                    ("kind", "outcome"),
                    ("amount", "summary"),
                    ("author", "request_id"),
                    ("origin", "group_id"),
                    ("how_paid", "hold"),
                    "fee",
                )
            },
        ),
        (
            "Source",
            {"fields": (("source", "source_id"), ("source_balance_after", "source_version"))},
        ),
        (
            "Target",
            {"fields": (("target", "target_id"), ("target_balance_after", "target_version"))},
        ),
    )

    change_form_outer_after_template = "admin/tables.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        transaction = self.get_object(request, object_id)
        others = others_of_group(transaction) if transaction is not None else []
        tables = [transaction_table("Together with it, all or none", others)] if others else []
        return super().change_view(
            request, object_id, form_url, {"tables": tables, **(extra_context or {})}
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return TransactionChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                source_owner=_email(wallets=OuterRef("source_id")),
                target_owner=_email(wallets=OuterRef("target_id")),
                actor=_email(pk=OuterRef("actor_id")),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset, False

    @display(description="amount")
    def amount(self, row: "Row") -> str:
        return amount_text(row.amount_minor, row.asset_id)

    @display(description="source")
    def source(self, row: "Row") -> SafeString | str:
        return _wallet(row, row.source_id, row.source_owner)

    @display(description="target")
    def target(self, row: "Row") -> SafeString | str:
        return _wallet(row, row.target_id, row.target_owner)

    @display(
        description="outcome",
        label={COMPLETED: "success", **dict.fromkeys(FailureCode.values, "danger")},
    )
    def outcome(self, row: "Row") -> str:
        return row.failure_code or COMPLETED

    @display(description="author")
    def author(self, row: "Row") -> SafeString | str | None:
        if row.actor is None:
            return None
        return link(row.actor, "accounts_user_change", row.actor_id)

    @display(description="paid by")
    def how_paid(self, row: "Row") -> SafeString | str | None:
        """Return by which of its names the payer's wallet was charged, or the request it paid."""
        if row.payment_request_id is not None:
            name = f"Payment request {row.payment_request_id}"
            return link(name, "related", "payment_request", row.payment_request_id)
        if row.paytoken_id is not None:
            name = f"Pay token {row.paytoken_id}"
            if not PayToken.objects.filter(pk=row.paytoken_id).exists():
                return f"{name}, which is deleted by now"
            return link(name, "related", "paytoken", row.paytoken_id)
        return "The wallet's token" if row.kind in (Kind.CHARGE, Kind.REFUND) else None

    @display(description="gives back")
    def origin(self, row: "Row") -> SafeString | None:
        if row.origin_id is None:
            return None
        return link(row.origin_id, "ledger_transaction_change", row.origin_id)

    @display(description="hold")
    def hold(self, row: "Row") -> SafeString | None:
        if row.hold_id is None:
            return None
        return link(row.hold_id, "ledger_hold_change", row.hold_id)

    @display(description="fee of the company")
    def fee(self, row: "Row") -> str | None:
        return amount_text(row.fee_minor, row.asset_id) or None

    @display(description="balance after")
    def source_balance_after(self, row: "Row") -> str:
        return amount_text(row.source_balance_minor, row.asset_id)

    @display(description="balance after")
    def target_balance_after(self, row: "Row") -> str:
        return amount_text(row.target_balance_minor, row.asset_id)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.trial_balance)
        return [path("trial-balance/", view, name="trial_balance"), *super().get_urls()]

    def trial_balance(self, request: HttpRequest) -> HttpResponse:
        """Show the trial balance of now, or of the time `?at=`."""
        form = TimeForm(request.GET)
        at = form.cleaned_data["at"] if form.is_valid() else None
        lines: list[Line] = []
        is_too_long = False
        if form.is_valid():
            try:
                lines = trial_balance(at=at, timeout_ms=TRIAL_BALANCE_TIMEOUT_MS)
            except TrialBalanceTimeout:
                is_too_long = True
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial balance",
            "form": form,
            "as_of": at or datetime.now(UTC),
            "lines": lines,
            "table": Table("", COLUMNS, [_cells(line) for line in lines], numbers=COLUMNS[1:]),
            "is_too_long": is_too_long,
            "is_balanced": not any(line.difference_minor for line in lines),
        }
        return TemplateResponse(request, "admin/trial_balance.html", context)


def _cells(line: Line) -> list[str]:
    return [line.symbol, *(f"{to_decimal(minor, line.symbol):,f}" for minor in line.amounts_minor)]


def _email(**user: Any) -> Subquery:
    return Subquery(User.objects.filter(**user).values("email")[:1])


def _wallet(row: Transaction, wallet_id: uuid.UUID, owner: str | None) -> SafeString | str:
    name = system_wallet_name(wallet_id, row.asset_id) if owner is None else owner
    return link(name, "wallets_wallet_change", wallet_id)


def _parse_position(text: str) -> uuid.UUID:
    """Return the id below which a page starts. Raises `ValidationError` for neither id nor time."""
    return as_uuid(text) or first_id_at(forms.DateTimeField().clean(text))


def _time_of(transaction_id: uuid.UUID) -> datetime:
    return datetime.fromtimestamp((transaction_id.int >> 80) / 1000, UTC)
