"""The form in which an operator puts money into a wallet or takes it out, with the limit."""

import uuid
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from commerce.staff_limit import Allowance
from core.money import is_plain_decimal
from core.texts import validate_visible
from ledger.models import SUMMARY_CHARACTERS
from support.operator_admin import amount_text, plain_amount
from wallets.assets import amount_minor

PUT_IN, TAKE_OUT = "in", "out"


def new_key() -> str:
    """Return an idempotency key for a form that has not been sent."""
    return str(uuid.uuid4())


class AdjustmentForm(forms.Form):
    """`key` is the idempotency key: a form that is sent several times adjusts the balance once."""

    direction = forms.ChoiceField(
        choices=[(PUT_IN, "Put in"), (TAKE_OUT, "Take out")], widget=UnfoldAdminRadioSelectWidget
    )
    amount = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    )
    reason = forms.CharField(
        max_length=SUMMARY_CHARACTERS,
        validators=[validate_visible],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="The owner sees it as the transaction's summary.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=new_key)

    def __init__(self, data: Any, *, symbol: str, allowance: Allowance) -> None:
        super().__init__(data)
        self._symbol = symbol
        self.fields["amount"].help_text = (
            f"You alone: up to {allowance.limit:,f} {symbol} in 24 hours, of which"
            f" {allowance.left:,f} {symbol} are left. Above that a second operator decides."
        )

    def clean_amount(self) -> str:
        amount = plain_amount(self.cleaned_data["amount"], self._symbol)
        if not is_plain_decimal(amount):
            with_decimals = amount_text(amount_minor("1500", self._symbol), self._symbol)
            example = with_decimals.removesuffix(f" {self._symbol}")
            raise forms.ValidationError(f"Write 1500 or {example}.")
        return amount
