"""The form in which an operator says what a company pays for each charge."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce.fees import percent_text
from support.operator_admin import ReasonForm, amount_text, plain_amount
from wallets.models import Fee


def _number_field(label: str, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


class FeeForm(ReasonForm):
    """It begins with the fee that the company has. An empty field is one that the fee has not."""

    percent = _number_field("Percent of the amount", "0 to 100, at most 4 decimals.")
    fixed = _number_field("Fixed amount", "Added to the percentage.")
    min = _number_field("At least")
    max = _number_field("At most", "A fee is never more than the charge.")
    field_order = ("percent", "fixed", "min", "max", "reason")

    def __init__(self, data: Any, *, symbol: str, fee: Fee | None) -> None:
        super().__init__(data, initial=_initial(fee, symbol))
        self._symbol = symbol
        for name in ("fixed", "min", "max"):
            self.fields[name].label = f"{self.fields[name].label}, {symbol}"

    def given(self) -> dict[str, str | None]:
        """Return percent, fixed, min and max as plain decimals; None for an empty field."""
        texts = {name: str(self.cleaned_data[name]) for name in ("percent", "fixed", "min", "max")}
        percent = texts.pop("percent").removesuffix("%").strip()
        amounts = {name: plain_amount(text, self._symbol) for name, text in texts.items()}
        return {name: text or None for name, text in {"percent": percent, **amounts}.items()}


def _initial(fee: Fee | None, symbol: str) -> dict[str, str]:
    if fee is None:
        return {}
    amounts = {"fixed": fee.fixed_minor or None, "min": fee.min_minor, "max": fee.max_minor}
    shown = {name: amount_text(minor, symbol) for name, minor in amounts.items()}
    return {
        "percent": percent_text(fee),
        **{name: text.removesuffix(f" {symbol}") for name, text in shown.items()},
    }
