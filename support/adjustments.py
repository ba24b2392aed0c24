"""Adjustments in the admin: operators make them on a wallet's page and approve large ones here."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

import orjson
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from accounts import support_actions
from accounts.models import Action, User
from api.http.client_address import client_address
from api.http.errors import error_body, status_of
from api.http.renderer import render_json
from commerce.adjustments import adjust, approve, reject
from commerce.models import AdjustmentRequest, Decision
from commerce.staff_limit import allowance_of
from core.errors import InvalidInput, Refusal
from core.idempotency import Answer, Claim, IdempotencyKeyReused, answer_once, fingerprint_of
from core.money import AmountNotPositive
from core.unit_of_work import unit_of_work
from support.adjustment_form import PUT_IN, AdjustmentForm, new_key
from support.customers import operator_of
from support.find import find, related
from support.operator_admin import (
    ChoiceFilter,
    OperatorAdmin,
    ReasonForm,
    action,
    amount_text,
    display,
    link,
    page_url,
    time_text,
)
from support.site import SupportSite
from support.wallet_tables import DECISION_COLOURS, verb_of, waiting_notices
from support.wallets import WalletAdmin
from wallets.models import Status, Wallet

KEY_REUSED = (
    "This form was sent before, with other values. Look at the wallet's transactions: what you"
    " send now comes on top."
)


#: The support action for each status of an answer; any other status is a refusal.
_ACTION_OF_STATUS: dict[int, Action] = {
    HTTPStatus.OK: Action.ADJUST,
    HTTPStatus.ACCEPTED: Action.ADJUSTMENT_ASKED,
}


site = cast(SupportSite, admin.site)
site.add_page("find/", find, name="find")
site.add_page("find/<str:kind>/<uuid:key>", related, name="related")

# The button for adjustments is added to the page of a wallet here, beside what it does.
admin.site.unregister(Wallet)


@admin.register(Wallet)
class AdjustableWalletAdmin(WalletAdmin):
    actions_detail = (*WalletAdmin.actions_detail, "adjust")

    def is_available(self, obj: Wallet, action_name: str) -> bool:
        if action_name == "adjust":
            return obj.owner_id is not None and obj.status != Status.CLOSED
        return super().is_available(obj, action_name)

    @action(description="Adjust the balance", url_path="adjust", icon="balance")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        wallet = self.owned_wallet(request, object_id)
        form = AdjustmentForm(
            request.POST if request.method == "POST" else None,
            symbol=wallet.asset_id,
            allowance=allowance_of(operator_of(request), wallet.asset_id),
        )
        if form.is_valid():
            try:
                answer = self._adjust_once(request, wallet, form.cleaned_data)
            except InvalidInput as refusal:
                form.add_error("amount", refusal.details["amount"])
            except AmountNotPositive as refusal:
                form.add_error("amount", str(refusal))
            except IdempotencyKeyReused:
                form.add_error(None, KEY_REUSED)
                form.data = {**request.POST.dict(), "key": new_key()}
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                self._show_result(request, answer)
                return self.back_to(wallet)
        return self.confirm_page(
            request,
            wallet,
            form,
            title="Adjust the balance",
            description=self.describe(wallet),
            button="Adjust",
            notices=waiting_notices(wallet),
        )

    def _adjust_once(self, request: HttpRequest, wallet: Wallet, fields: dict[str, Any]) -> Answer:
        operator = operator_of(request)
        values = {name: fields[name] for name in ("direction", "amount", "reason")}
        operation = f"{request.method} {request.path}"
        claim = Claim(operator.pk, str(fields["key"]), operation, fingerprint_of(operation, values))

        def work() -> Answer:
            answer = _adjust(operator, wallet, request.path, **values)
            action = _ACTION_OF_STATUS.get(answer.status_code, Action.ADJUSTMENT_REFUSED)
            reason = str(fields["reason"])
            self.record_action(request, wallet, action, reason=reason, result=_message_of(answer))
            return answer

        return unit_of_work(lambda: answer_once(claim, work))

    def _show_result(self, request: HttpRequest, answer: Answer) -> None:
        if answer.status_code not in _ACTION_OF_STATUS:
            self.message_user(
                request, f"{_message_of(answer)} The attempt is recorded.", messages.ERROR
            )
        elif answer.replayed:
            self.message_user(request, f"Already done: {_message_of(answer)}", messages.INFO)
        else:
            self.message_user(request, _message_of(answer), messages.SUCCESS)


def _adjust(
    operator: User, wallet: Wallet, path: str, *, direction: str, amount: str, reason: str
) -> Answer:
    """Adjust the balance and return the answer to record under the key.

    A refusal that the ledger recorded is returned as an answer, so that it is committed; others are
    raised.
    """
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


def _message_of(answer: Answer) -> str:
    message = orjson.loads(answer.body)["message"]
    if answer.status_code not in _ACTION_OF_STATUS:
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
        requests = super().filtered(queryset, chosen)
        return requests.filter(expires_at__gt=now) if chosen == Decision.PENDING else requests


@admin.register(AdjustmentRequest)
class AdjustmentRequestAdmin(OperatorAdmin[AdjustmentRequest]):
    """Adjustments above the limit, which a second operator approves or rejects."""

    list_display = ("asked", "verb", "amount", "owner_link", "asked_by", "state_label", "expires")
    list_filter = (DecisionFilter,)
    would_show = (
        "Adjustments above the limit stand here, until a second operator decides and after."
    )
    list_select_related = ("wallet__owner", "requester")
    ordering = ("-id",)
    _asked = (
        None,
        {
            "fields": (
                ("movement", "state_label"),
                ("owner_link", "wallet_link"),
                ("balance_now", "reason"),
                ("requester_link", "created_at"),
                ("expires_at", "request_id"),
            )
        },
    )
    _decision = (
        "Decision",
        {"fields": (("decider_link", "decided_at"), ("decision_reason", "transaction"))},
    )
    actions_detail = ("approve", "reject")

    def get_fieldsets(self, request: HttpRequest, obj: AdjustmentRequest | None = None) -> Any:
        is_decided = obj is not None and obj.decided_at is not None
        return [self._asked, *([self._decision] if is_decided else [])]

    @display(description="asked (UTC)")
    def asked(self, adjustment: AdjustmentRequest) -> str:
        return time_text(adjustment.created_at)

    @display(description="until (UTC)")
    def expires(self, adjustment: AdjustmentRequest) -> str:
        return time_text(adjustment.expires_at)

    @display(description="what")
    def verb(self, adjustment: AdjustmentRequest) -> str:
        return verb_of(adjustment)

    @display(description="amount")
    def amount(self, adjustment: AdjustmentRequest) -> str:
        return amount_text(adjustment.amount_minor, adjustment.wallet.asset_id)

    @display(description="asked by")
    def asked_by(self, adjustment: AdjustmentRequest) -> str:
        return adjustment.requester.email

    @display(description="what")
    def movement(self, adjustment: AdjustmentRequest) -> str:
        return f"{self.verb(adjustment)} {self.amount(adjustment)}"

    @display(description="owner")
    def owner_link(self, adjustment: AdjustmentRequest) -> SafeString:
        return link(adjustment.wallet.owner, "accounts_user_change", adjustment.wallet.owner_id)

    @display(description="wallet")
    def wallet_link(self, adjustment: AdjustmentRequest) -> SafeString:
        return link(adjustment.wallet_id, "wallets_wallet_change", adjustment.wallet_id)

    @display(description="wallet now")
    def balance_now(self, adjustment: AdjustmentRequest) -> str:
        wallet = adjustment.wallet
        return f"{amount_text(wallet.balance_minor, wallet.asset_id)}, {wallet.status}"

    @display(description="asked by")
    def requester_link(self, adjustment: AdjustmentRequest) -> SafeString:
        return link(adjustment.requester, "accounts_user_change", adjustment.requester_id)

    @display(description="decided by")
    def decider_link(self, adjustment: AdjustmentRequest) -> SafeString | None:
        if adjustment.decider is None:
            return None
        return link(adjustment.decider, "accounts_user_change", adjustment.decider_id)

    @display(description="transaction")
    def transaction(self, adjustment: AdjustmentRequest) -> SafeString | None:
        if adjustment.transaction_id is None:
            return None
        return link(
            adjustment.transaction_id, "ledger_transaction_change", adjustment.transaction_id
        )

    @display(
        description="state",
        label={state.label: colour for state, colour in DECISION_COLOURS.items()},
    )
    def state_label(self, adjustment: AdjustmentRequest) -> str:
        return str(adjustment.state.label)

    def is_available(self, obj: AdjustmentRequest, action_name: str) -> bool:
        return obj.state == Decision.PENDING

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Return no buttons for the requester: a second operator decides."""
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
        object_id: str,
        verb: str,
        decide: Callable[..., AdjustmentRequest],
    ) -> HttpResponse:
        adjustment = self.get_object(request, object_id)
        if adjustment is None:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            description = (
                f"{self.movement(adjustment)}: {adjustment.reason}."
                f" Asked by {adjustment.requester}."
                f" The wallet of {adjustment.wallet.owner} holds {self.balance_now(adjustment)}."
            )
            title = f"{verb} this adjustment"
            return self.confirm_page(
                request, adjustment, form, title=title, description=description, button=verb
            )
        reason, operator = form.cleaned_data["reason"], operator_of(request)

        def work() -> AdjustmentRequest:
            decided = decide(operator, adjustment.pk, reason=reason)
            support_actions.record(
                _DECISION_ACTIONS[decided.state],
                actor_id=operator.pk,
                subject_kind="wallet",
                subject_id=decided.wallet_id,
                reason=reason,
                result=_decision_text(decided, self.movement(adjustment)),
                address=client_address(request),
            )
            return decided

        try:
            decided = unit_of_work(work)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            has_succeeded = decided.status != Decision.FAILED
            level = messages.SUCCESS if has_succeeded else messages.ERROR
            self.message_user(request, _decision_text(decided, self.movement(adjustment)), level)
        return redirect(page_url("commerce_adjustmentrequest_change", adjustment.pk))


_DECISION_ACTIONS = {
    Decision.APPROVED: Action.ADJUSTMENT_APPROVED,
    Decision.FAILED: Action.ADJUSTMENT_REFUSED,
    Decision.REJECTED: Action.ADJUSTMENT_REJECTED,
}


def _decision_text(decided: AdjustmentRequest, movement: str) -> str:
    """Return the decision as text, for the page and for the support action."""
    text = f"{movement}, asked by {decided.requester}: {decided.state.label}"
    return f"{text} ({decided.failure_code})." if decided.failure_code else f"{text}."
