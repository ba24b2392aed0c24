"""The page of a hold in the admin: what it holds, what it did, and the button that voids it."""

from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from api.http.client_address import client_address
from commerce.holds import void_hold
from core.database_time import current_moment
from core.errors import Refusal
from core.unit_of_work import unit_of_work
from ledger.holds import show_expired
from ledger.models import Hold, HoldStatus
from support.customers import operator_of
from support.operator_admin import (
    OperatorAdmin,
    ReasonForm,
    action,
    amount_text,
    display,
    link,
    page_url,
    time_text,
)
from support.payment_tables import STATE_COLOURS
from support.related_records import find_related
from support.related_tables import transaction_table
from wallets.models import PayToken, Wallet

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Owners(TypedDict):
        asset_id: str
        payer_email: str
        company_email: str

    Row = WithAnnotations[Hold, _Owners]


@admin.register(Hold)
class HoldAdmin(OperatorAdmin[Hold]):
    """No list: holds are found on the pages of their wallets, or by their id."""

    subject_kind = "hold"
    views_are_recorded = True
    ordering = ("id",)
    change_form_outer_before_template = "admin/notices.html"
    change_form_outer_after_template = "admin/tables.html"
    actions_detail: tuple[str, ...] = ("void",)
    fieldsets = (
        (None, {"fields": (("id", "state"), ("made", "expires"), ("ended", "around"))}),
        ("Money", {"fields": (("amount", "captured"), ("released", "remaining"))}),
        ("Between", {"fields": (("payer", "company"), ("summary", "reference"), "paytoken")}),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect(page_url("find"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        payers = Wallet.objects.filter(pk=OuterRef("payer_wallet_id"))
        companies = Wallet.objects.filter(pk=OuterRef("company_wallet_id"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                asset_id=Subquery(payers.values("asset_id")),
                payer_email=Subquery(payers.values("owner__email")),
                company_email=Subquery(companies.values("owner__email")),
            )
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> "Row | None":
        """Return the hold as it is now: one whose time is over is expired."""
        hold = super().get_object(request, object_id, from_field)
        if hold is not None:
            show_expired(hold, current_moment())
        return cast("Row | None", hold)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        related = find_related("hold", object_id)
        tables = [transaction_table("Transactions", related.transactions)]
        context = {
            "title": "Hold",
            "notices": related.notes,
            "tables": [table for table in tables if table.rows],
        }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    @display(description="state", label=STATE_COLOURS)
    def state(self, hold: Hold) -> str:
        return hold.status

    @display(description="made (UTC)")
    def made(self, hold: Hold) -> str:
        return time_text(hold.created_at)

    @display(description="expires (UTC)")
    def expires(self, hold: Hold) -> str:
        return time_text(hold.expires_at)

    @display(description="ended (UTC)", empty_value="not on record")
    def ended(self, hold: Hold) -> str | None:
        return time_text(hold.ended_at) if hold.ended_at else None

    @display(description="around it")
    def around(self, hold: Hold) -> SafeString:
        return link("Everything around this hold", "related", "hold", hold.pk)

    @display(description="amount in all")
    def amount(self, hold: "Row") -> str:
        return amount_text(hold.amount_minor, hold.asset_id)

    @display(description="captured")
    def captured(self, hold: "Row") -> str:
        return amount_text(hold.captured_minor, hold.asset_id)

    @display(description="released")
    def released(self, hold: "Row") -> str:
        return amount_text(hold.released_minor, hold.asset_id)

    @display(description="remaining")
    def remaining(self, hold: "Row") -> str:
        return amount_text(hold.remaining_minor, hold.asset_id)

    @display(description="payer")
    def payer(self, hold: "Row") -> SafeString:
        return link(hold.payer_email, "wallets_wallet_change", hold.payer_wallet_id)

    @display(description="company")
    def company(self, hold: "Row") -> SafeString:
        return link(hold.company_email, "wallets_wallet_change", hold.company_wallet_id)

    @display(description="by pay token", empty_value="The wallet's token")
    def paytoken(self, hold: Hold) -> SafeString | str | None:
        if hold.paytoken_id is None:
            return None
        if not PayToken.objects.filter(pk=hold.paytoken_id).exists():
            return f"{hold.paytoken_id}, which is deleted by now"
        return link(hold.paytoken_id, "related", "paytoken", hold.paytoken_id)

    def is_available(self, obj: Hold, action_name: str) -> bool:
        return obj.status == HoldStatus.ACTIVE

    @action(
        description="Void this hold",
        url_path="void",
        icon="lock_open",
        variant=ActionVariant.DANGER,
    )
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        hold = self.get_object(request, object_id)
        if hold is None:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self.confirm_page(
                request,
                hold,
                form,
                title="Void this hold",
                description=(
                    f"{self.remaining(hold)} of {hold.payer_email} are free again, and"
                    f" {hold.company_email} can no longer take them. What was captured stays"
                    " captured."
                ),
                button="Void",
            )
        reason, operator = form.cleaned_data["reason"], operator_of(request)
        address = client_address(request)
        try:
            unit_of_work(
                lambda: void_hold(operator, hold_id=hold.pk, address=address, reason=reason)
            )
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, "The hold is voided.", messages.SUCCESS)
        return redirect(page_url("ledger_hold_change", hold.pk))
