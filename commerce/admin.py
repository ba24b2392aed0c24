"""Adjustments for support: a button on a wallet's page, a reason, a transaction with its author."""

import uuid
from http import HTTPStatus
from typing import Any

import orjson
from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.admin import operator_of
from accounts.models import User
from commerce.adjustments import adjust
from commerce.bodies import SUMMARY_CHARACTERS
from core.admin import action
from core.errors import InvalidInput, Refusal
from core.http.errors import error_body, status_of
from core.http.renderer import render_json
from core.idempotency import Answer, Claim, IdempotencyKeyReused, answer_once, fingerprint_of
from core.money import AmountNotPositive
from core.unit_of_work import unit_of_work
from wallets.admin import WalletAdmin, amount_text
from wallets.models import Status, Wallet

PUT_IN, TAKE_OUT = "in", "out"
SENT_BEFORE = (
    "This form was sent before, with other values. Look at the wallet's transactions: what you"
    " send now comes on top."
)


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
            self.log_change(request, wallet, _told(answer))
            return answer

        return unit_of_work(lambda: answer_once(claim, work))

    def _tell(self, request: HttpRequest, answer: Answer) -> None:
        if answer.status_code != HTTPStatus.OK:
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
        movement = adjust(
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
    moved = amount_text(movement.amount_minor, wallet.asset_id)
    message = f"{'Put in' if direction == PUT_IN else 'Took out'} {moved}: {reason}"
    return Answer(HTTPStatus.OK, render_json({"message": message}), movement.outcome.transaction_id)


def _told(answer: Answer) -> str:
    message = orjson.loads(answer.body)["message"]
    if answer.status_code != HTTPStatus.OK:
        return f"Adjustment refused: {message}"
    return str(message)
