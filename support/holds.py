"""The page of a hold in the admin: what it holds, what it did, and the button that voids it."""

import uuid
from typing import Any

from django.contrib import admin, messages
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
from wallets.models import Wallet


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

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Hold | None:
        """Return the hold as it is now: one whose time is over is expired."""
        hold = super().get_object(request, object_id, from_field)
        if hold is not None:
            show_expired(hold, current_moment())
        return hold

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
    def amount(self, hold: Hold) -> str:
        return _amount_text(hold, hold.amount_minor)

    @display(description="captured")
    def captured(self, hold: Hold) -> str:
        return _amount_text(hold, hold.captured_minor)

    @display(description="released")
    def released(self, hold: Hold) -> str:
        return _amount_text(hold, hold.released_minor)

    @display(description="remaining")
    def remaining(self, hold: Hold) -> str:
        return _amount_text(hold, hold.remaining_minor)

    @display(description="payer")
    def payer(self, hold: Hold) -> SafeString:
        wallet = _wallet(hold.payer_wallet_id)
        return link(wallet.owner, "wallets_wallet_change", wallet.pk)

    @display(description="company")
    def company(self, hold: Hold) -> SafeString:
        wallet = _wallet(hold.company_wallet_id)
        return link(wallet.owner, "wallets_wallet_change", wallet.pk)

    @display(description="by pay token", empty_value="The wallet's token")
    def paytoken(self, hold: Hold) -> SafeString | None:
        if hold.paytoken_id is None:
            return None
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
            remaining, company = self.remaining(hold), _wallet(hold.company_wallet_id).owner
            return self.confirm_page(
                request,
                hold,
                form,
                title="Void this hold",
                description=(
                    f"{remaining} of {_wallet(hold.payer_wallet_id).owner} are free again, and"
                    f" {company} can no longer take them. What was captured stays captured."
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


def _wallet(wallet_id: uuid.UUID) -> Wallet:
    return Wallet.objects.select_related("owner").get(pk=wallet_id)


def _amount_text(hold: Hold, minor: int) -> str:
    return amount_text(minor, _wallet(hold.payer_wallet_id).asset_id)
