"""Wallets and assets in the admin: viewed, frozen, unfrozen. Only the ledger moves money."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from accounts.models import Action, User
from core.errors import Refusal
from core.texts import validate_visible
from core.unit_of_work import unit_of_work
from support.adjustment_records import of_wallets
from support.customers import operator_of
from support.operator_admin import (
    ChoiceFilter,
    OperatorAdmin,
    ReasonForm,
    action,
    amount_text,
    as_uuid,
    display,
    is_operator,
    link,
    page_url,
    reason_field,
)
from support.payment_records import ROWS_SHOWN, payments_of
from support.payment_tables import payment_tables
from support.tables import Table
from support.wallet_tables import STATUS_COLOURS, adjustment_table, status_table, waiting_notices
from wallets.assets import SYMBOL, create_asset
from wallets.models import Asset, Status, StatusChange, Wallet
from wallets.services import set_status

if TYPE_CHECKING:
    _AssetModelForm = forms.ModelForm[Asset]
else:
    _AssetModelForm = forms.ModelForm


class AssetForm(_AssetModelForm):
    reason = reason_field()

    class Meta:
        model = Asset
        fields = ("symbol", "name", "decimals", "is_cash")
        help_texts = {"symbol": "1 to 12 of A-Z and 0-9. It cannot be changed later."}

    def clean_symbol(self) -> str:
        symbol = str(self.cleaned_data["symbol"])
        if not SYMBOL.fullmatch(symbol):
            raise forms.ValidationError("1 to 12 of A-Z and 0-9.")
        return symbol

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        validate_visible(name)
        return name


@admin.register(Asset)
class AssetAdmin(OperatorAdmin[Asset]):
    form = AssetForm
    subject_kind = "asset"
    list_display = ("symbol", "name", "decimals", "cash")
    would_show = "What wallets can hold stands here: currencies, points, game money."
    ordering = ("symbol",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_operator(request)

    def has_change_permission(self, request: HttpRequest, obj: Asset | None = None) -> bool:
        return is_operator(request)

    def get_fields(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        cash = "is_cash" if obj is None else "cash"
        return ("symbol", "name", "decimals", cash, "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        """Return the fields that give amounts their meaning: only an asset's name may change."""
        return () if obj is None else ("symbol", "decimals", "cash")

    @display(description="cash")
    def cash(self, asset: Asset) -> str:
        return "cash" if asset.is_cash else "no cash"

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Asset | None:
        # An invalid symbol may also be invalid in a query (it may contain a NUL character).
        if not SYMBOL.fullmatch(object_id):
            return None
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        """Save the asset, and record the support action with its reason."""
        if change:
            obj.save(update_fields=["name"])
            result = f"Name: {form.initial['name']}, now {obj.name}"
        else:
            create_asset(
                symbol=obj.symbol, name=obj.name, decimals=obj.decimals, is_cash=obj.is_cash
            )
            result = str(obj)
        action = Action.CHANGE if change else Action.ADD
        reason = form.cleaned_data["reason"]
        self.record_action(request, obj, action, reason=reason, result=result)


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Status.choices

    def filtered(self, queryset: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        wallets = super().filtered(queryset, chosen)
        if chosen == Status.ACTIVE:
            return wallets
        # Each wallet that is not active has a status change, and status changes have an index.
        return wallets.filter(pk__in=StatusChange.objects.values("wallet"))


class AssetFilter(ChoiceFilter):
    title = "asset"
    parameter_name = "asset_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        symbols = Asset.objects.order_by("symbol").values_list("symbol", flat=True)
        return [(symbol, symbol) for symbol in symbols]


@admin.register(Wallet)
class WalletAdmin(OperatorAdmin[Wallet]):
    subject_kind = "wallet"
    views_are_recorded = True
    list_display = ("id", "owner_link", "asset_symbol", "balance", "status_label", "created_at")
    list_filter = (StatusFilter, AssetFilter)
    would_show = "Wallets stand here, each with its owner, its balance and its status."
    list_select_related = ("owner",)
    ordering = ("id",)
    search_fields = ("id",)  # shows the search box; `get_search_results` searches
    search_help_text = "Token, address, or the owner's email or id"
    change_form_outer_before_template = "admin/notices.html"
    change_form_outer_after_template = "admin/wallet_tables.html"
    _wallet = (None, {"fields": (("id", "created_at"), ("owner_link", "status_label"))})
    _paying = ("Paying", {"fields": (("address", "label"), "charges")})
    _money = (
        "Money",
        {"fields": (("balance", "asset_symbol"), ("held", "available"), "transactions")},
    )
    actions_detail: tuple[str, ...] = ("freeze", "unfreeze")

    def get_fieldsets(self, request: HttpRequest, obj: Wallet | None = None) -> Any:
        """Return the sections of the page: nobody pays or charges a system wallet by its names."""
        is_owned = obj is not None and obj.owner_id is not None
        return [self._wallet, *([self._paying] if is_owned else []), self._money]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        wallet = self.get_object(request, object_id)
        if wallet is not None and wallet.owner_id is not None:
            context = {"tables": self._tables(wallet), "notices": waiting_notices(wallet)}
            extra_context = {**context, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def _tables(self, wallet: Wallet) -> list[Table]:
        """Return what is around an owned wallet, the newest of each kind; no transactions."""
        changes = StatusChange.objects.filter(wallet=wallet).select_related("actor")
        tables = [
            adjustment_table("Adjustments by two", of_wallets([wallet.pk])),
            status_table(changes.order_by("-pk")[:ROWS_SHOWN]),
        ]
        return [
            *(table.without("wallet").without("owner") for table in tables if table.rows),
            *payment_tables(payments_of([wallet]), of_one_wallet=True),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Wallet], search_term: str
    ) -> tuple[QuerySet[Wallet], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        typed_id = as_uuid(text)
        if typed_id:
            names = Q(id=typed_id) | Q(address=typed_id) | Q(owner_id=typed_id)
            return queryset.filter(names), False
        return queryset.filter(owner__in=User.objects.with_email(text)), False

    @display(description="owner")
    def owner_link(self, wallet: Wallet) -> SafeString | str:
        if wallet.owner is None:
            return f"SYSTEM:{wallet.purpose}"
        return link(wallet.owner.email, "accounts_user_change", wallet.owner_id)

    @display(description="asset")
    def asset_symbol(self, wallet: Wallet) -> str:
        return wallet.asset_id

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, wallet: Wallet) -> str:
        return wallet.status

    @display(description="balance", empty_value="derived")
    def balance(self, wallet: Wallet) -> str | None:
        return amount_text(wallet.balance_minor, wallet.asset_id) or None

    @display(description="held")
    def held(self, wallet: Wallet) -> str:
        return amount_text(wallet.held_minor, wallet.asset_id)

    @display(description="available", empty_value="no limit")
    def available(self, wallet: Wallet) -> str | None:
        if wallet.owner_id is None:
            return None
        return amount_text(wallet.available_minor, wallet.asset_id)

    @display(description="transactions")
    def transactions(self, wallet: Wallet) -> SafeString:
        return link("Transactions of this wallet", "ledger_transaction_changelist", q=wallet.pk)

    def is_available(self, obj: Wallet, action_name: str) -> bool:
        status = {"freeze": Status.ACTIVE, "unfreeze": Status.FROZEN}[action_name]
        return obj.owner_id is not None and obj.status == status

    @action(description="Freeze", url_path="freeze", icon="ac_unit", variant=ActionVariant.DANGER)
    def freeze(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._set_status(request, object_id, Status.FROZEN, "Freeze")

    @action(description="Unfreeze", url_path="unfreeze", icon="lock_open")
    def unfreeze(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._set_status(request, object_id, Status.ACTIVE, "Unfreeze")

    def owned_wallet(self, request: HttpRequest, wallet_id: str) -> Wallet:
        """Return the wallet. Raises `Http404` also for a system wallet, which has no actions."""
        wallet = self.get_object(request, wallet_id)
        if wallet is None or wallet.owner_id is None:
            raise Http404
        return wallet

    def describe(self, wallet: Wallet) -> str:
        """Return the state of the wallet, for the page on which an operator confirms an action."""
        return f"{wallet.owner}: {self.balance(wallet)}, {wallet.status}. Wallet {wallet.id}."

    def back_to(self, wallet: Wallet) -> HttpResponse:
        return redirect(page_url("wallets_wallet_change", wallet.pk))

    def _set_status(
        self, request: HttpRequest, wallet_id: str, status: Status, verb: str
    ) -> HttpResponse:
        wallet = self.owned_wallet(request, wallet_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            title = f"{verb} this wallet"
            return self.confirm_page(
                request,
                wallet,
                form,
                title=title,
                description=self.describe(wallet),
                button=verb,
            )
        reason, operator = form.cleaned_data["reason"], operator_of(request)
        action = Action.FREEZE if status == Status.FROZEN else Action.UNFREEZE

        def work() -> None:
            set_status(wallet.id, status=status, reason=reason, actor=operator)
            self.record_action(request, wallet, action, reason=reason)

        try:
            unit_of_work(work)
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, f"The wallet is {status} now.", messages.SUCCESS)
        return self.back_to(wallet)
