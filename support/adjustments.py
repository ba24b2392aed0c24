"""Adjustments for support: a button on a wallet's page, a reason, a transaction with its author."""

import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

import orjson
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import support_actions
from accounts.models import Action, User
from api.http.client_address import client_address
from api.http.errors import error_body, status_of
from api.http.renderer import render_json
from commerce.adjustments import adjust, approve, reject
from commerce.models import AdjustmentRequest, Decision
from core.errors import InvalidInput, Refusal
from core.idempotency import Answer, Claim, IdempotencyKeyReused, answer_once, fingerprint_of
from core.money import AmountNotPositive
from core.unit_of_work import unit_of_work
from ledger.models import SUMMARY_CHARACTERS
from support.customers import operator_of
from support.find import find, found
from support.operator_admin import (
    ChoiceFilter,
    OperatorAdmin,
    ReasonForm,
    action,
    display,
    link,
    page_url,
)
from support.site import SupportSite
from support.wallets import WalletAdmin, amount_text
from wallets.models import Status, Wallet

PUT_IN, TAKE_OUT = "in", "out"
SENT_BEFORE = (
    "This form was sent before, with other values. Look at the wallet's transactions: what you"
    " send now comes on top."
)


#: What a support action is called by the status of its answer; any other is a refusal.
_ACTIONS: dict[int, Action] = {
    HTTPStatus.OK: Action.ADJUST,
    HTTPStatus.ACCEPTED: Action.ADJUSTMENT_ASKED,
}


def _new_key() -> str:
    return str(uuid.uuid4())


class AdjustmentForm(forms.Form):
    """`key` lets one form adjust once, however often it is sent."""

    direction = forms.ChoiceField(
        choices=[(PUT_IN, "Put in"), (TAKE_OUT, "Take out")], widget=UnfoldAdminRadioSelectWidget
    )
    amount = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    )
    reason = forms.CharField(
        max_length=SUMMARY_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="The owner sees it as the transaction's summary.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=_new_key)


site = cast(SupportSite, admin.site)
site.add_page("find/", find, name="find")
site.add_page("find/<str:kind>/<uuid:key>", found, name="found")

# The wallets' own room knows nothing of money moving: here, its page gets one button more.
admin.site.unregister(Wallet)


@admin.register(Wallet)
class AdjustableWalletAdmin(WalletAdmin):
    actions_detail = (*WalletAdmin.actions_detail, "adjust")

    def offers(self, obj: Wallet, action_name: str) -> bool:
        if action_name == "adjust":
            return obj.owner_id is not None and obj.status != Status.CLOSED
        return super().offers(obj, action_name)

    @action(description="Adjust the balance", url_path="adjust", icon="balance")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        wallet = self.owned_wallet(request, object_id)
        form = AdjustmentForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                answer = self._adjust_once(request, wallet, form.cleaned_data)
            except InvalidInput as refusal:
                form.add_error("amount", refusal.details["amount"])
            except AmountNotPositive as refusal:
                form.add_error("amount", str(refusal))
            except IdempotencyKeyReused:
                form.add_error(None, SENT_BEFORE)
                form.data = {**request.POST.dict(), "key": _new_key()}
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                self._tell(request, answer)
                return self.back_to(wallet)
        return self.ask(
            request,
            wallet,
            form,
            title="Adjust the balance",
            facts=self.facts(wallet),
            button="Adjust",
        )

    def _adjust_once(self, request: HttpRequest, wallet: Wallet, fields: dict[str, Any]) -> Answer:
        operator = operator_of(request)
        asked = {name: fields[name] for name in ("direction", "amount", "reason")}
        operation = f"{request.method} {request.path}"
        claim = Claim(operator.pk, str(fields["key"]), operation, fingerprint_of(operation, asked))

        def work() -> Answer:
            answer = _adjustment(operator, wallet, request.path, **asked)
            done = _ACTIONS.get(answer.status_code, Action.ADJUSTMENT_REFUSED)
            reason = str(fields["reason"])
            self.record(request, wallet, done, reason=reason, result=_told(answer))
            return answer

        return unit_of_work(lambda: answer_once(claim, work))

    def _tell(self, request: HttpRequest, answer: Answer) -> None:
        if answer.status_code not in _ACTIONS:
            self.message_user(request, f"{_told(answer)} It is on record.", messages.ERROR)
        elif answer.replayed:
            self.message_user(request, f"Done before, once: {_told(answer)}", messages.INFO)
        else:
            self.message_user(request, _told(answer), messages.SUCCESS)


def _adjustment(
    operator: User, wallet: Wallet, path: str, *, direction: str, amount: str, reason: str
) -> Answer:
    """Adjust, and return what to say. A refusal on record is an answer, too: it commits."""
    try:
        adjusted = adjust(
            operator,
            wallet_id=wallet.pk,
            amount=amount,
            is_credit=direction == PUT_IN,
            reason=reason,
        )
    except Refusal as refusal:
        if not refusal.recorded:
            raise
        return Answer(status_of(refusal), render_json(error_body(refusal, path=path)))
    if isinstance(adjusted, AdjustmentRequest):
        verb = "put in" if direction == PUT_IN else "take out"
        asked = amount_text(adjusted.amount_minor, wallet.asset_id)
        message = f"Asked to {verb} {asked}: a second operator decides."
        return Answer(HTTPStatus.ACCEPTED, render_json({"message": message}))
    order, outcome = adjusted
    moved = amount_text(order.amount_minor, wallet.asset_id)
    message = f"{'Put in' if direction == PUT_IN else 'Took out'} {moved}"
    return Answer(HTTPStatus.OK, render_json({"message": message}), outcome.transaction_id)


def _told(answer: Answer) -> str:
    message = orjson.loads(answer.body)["message"]
    if answer.status_code not in _ACTIONS:
        return f"Adjustment refused: {message}"
    return str(message)


class DecisionFilter(ChoiceFilter):
    title = "state"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Decision.choices

    def filtered(self, queryset: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        now = timezone.now()
        if chosen == Decision.EXPIRED:
            return queryset.filter(status=Decision.PENDING, expires_at__lte=now)
        found = super().filtered(queryset, chosen)
        return found.filter(expires_at__gt=now) if chosen == Decision.PENDING else found


@admin.register(AdjustmentRequest)
class AdjustmentRequestAdmin(OperatorAdmin[AdjustmentRequest]):
    """What waits for a second operator, and what became of it."""

    list_display = ("created_at", "movement", "holder", "requester", "state_label", "expires_at")
    list_filter = (DecisionFilter,)
    list_select_related = ("wallet__owner", "requester")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("movement", "state_label"),
                    ("holder", "wallet_link"),
                    ("balance_now", "reason"),
                    ("asker", "created_at"),
                    ("expires_at", "request_id"),
                )
            },
        ),
        (
            "Decision",
            {"fields": (("second", "decided_at"), ("decision_reason", "transaction"))},
        ),
    )
    actions_detail = ("approve", "reject")

    @display(description="what")
    def movement(self, asked: AdjustmentRequest) -> str:
        verb = "Put in" if asked.is_credit else "Take out"
        return f"{verb} {amount_text(asked.amount_minor, asked.wallet.asset_id)}"

    @display(description="owner")
    def holder(self, asked: AdjustmentRequest) -> SafeString:
        return link(asked.wallet.owner, "accounts_user_change", asked.wallet.owner_id)

    @display(description="wallet")
    def wallet_link(self, asked: AdjustmentRequest) -> SafeString:
        return link(asked.wallet_id, "wallets_wallet_change", asked.wallet_id)

    @display(description="wallet now")
    def balance_now(self, asked: AdjustmentRequest) -> str:
        wallet = asked.wallet
        return f"{amount_text(wallet.balance_minor, wallet.asset_id)}, {wallet.status}"

    @display(description="asked by")
    def asker(self, asked: AdjustmentRequest) -> SafeString:
        return link(asked.requester, "accounts_user_change", asked.requester_id)

    @display(description="decided by")
    def second(self, asked: AdjustmentRequest) -> SafeString | None:
        if asked.decider is None:
            return None
        return link(asked.decider, "accounts_user_change", asked.decider_id)

    @display(description="transaction")
    def transaction(self, asked: AdjustmentRequest) -> SafeString | None:
        if asked.transaction_id is None:
            return None
        return link(asked.transaction_id, "ledger_transaction_change", asked.transaction_id)

    @display(
        description="state",
        label={
            Decision.PENDING.label: "warning",
            Decision.APPROVED.label: "success",
            Decision.REJECTED.label: "danger",
            Decision.FAILED.label: "danger",
        },
    )
    def state_label(self, asked: AdjustmentRequest) -> str:
        return str(asked.state.label)

    def offers(self, obj: AdjustmentRequest, action_name: str) -> bool:
        return obj.state == Decision.PENDING

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer nothing to whoever asked: a second operator decides."""
        obj = self.get_object(request, object_id)
        if obj is None or obj.requester_id == request.user.pk:
            return []
        return super().get_actions_detail(request, object_id)

    @action(description="Approve", url_path="approve", icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Approve", approve)

    @action(description="Reject", url_path="reject", icon="close", variant=ActionVariant.DANGER)
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Reject", reject)

    def _decide(
        self,
        request: HttpRequest,
        number: str,
        verb: str,
        decide: Callable[..., AdjustmentRequest],
    ) -> HttpResponse:
        asked = self.get_object(request, number)
        if asked is None:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            facts = (
                f"{self.movement(asked)}: {asked.reason}. Asked by {asked.requester}."
                f" The wallet of {asked.wallet.owner} holds {self.balance_now(asked)}."
            )
            title = f"{verb} this adjustment"
            return self.ask(request, asked, form, title=title, facts=facts, button=verb)
        reason, operator = form.cleaned_data["reason"], operator_of(request)

        def work() -> AdjustmentRequest:
            decided = decide(operator, asked.pk, reason=reason)
            support_actions.record(
                _DECISION_ACTIONS[decided.state],
                actor_id=operator.pk,
                subject_kind="wallet",
                subject_id=decided.wallet_id,
                reason=reason,
                result=_decided(decided, self.movement(asked)),
                address=client_address(request),
            )
            return decided

        try:
            decided = unit_of_work(work)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            is_well = decided.status != Decision.FAILED
            level = messages.SUCCESS if is_well else messages.ERROR
            self.message_user(request, _decided(decided, self.movement(asked)), level)
        return redirect(page_url("commerce_adjustmentrequest_change", asked.pk))


_DECISION_ACTIONS = {
    Decision.APPROVED: Action.ADJUSTMENT_APPROVED,
    Decision.FAILED: Action.ADJUSTMENT_REFUSED,
    Decision.REJECTED: Action.ADJUSTMENT_REJECTED,
}


def _decided(decided: AdjustmentRequest, movement: str) -> str:
    """Return what to say of a decision, on the page and in the record."""
    told = f"{movement}, asked by {decided.requester}: {decided.state.label}"
    return f"{told} ({decided.failure_code})." if decided.failure_code else f"{told}."
