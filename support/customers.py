"""Customers in the admin: accounts and profiles, without passwords and tokens."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.enums import ActionVariant

from accounts.models import Client, Company, OperatorKind, OwnLimits, Role, User
from api.http.client_address import client_address
from commerce.fees import fee_text, remove_fee, set_fee
from core.errors import InvalidInput, Refusal
from core.unit_of_work import unit_of_work
from support import second_factor
from support.customer_search import customers_by_profile
from support.fee_form import FeeForm
from support.operator_admin import (
    ChoiceFilter,
    OperatorAdmin,
    ReasonForm,
    action,
    as_uuid,
    display,
    link,
    page_url,
)
from wallets.errors import NoWallet
from wallets.models import Fee, Status, Wallet
from wallets.selectors import company_wallet

#: How many matches of a name or a phone number the list shows at most.
MAX_NAME_MATCHES = 1_000

# Rights do not come from groups, and operators must not see tokens.
admin.site.unregister(Group)
admin.site.unregister(AuthToken)
# Devices hold secrets. Operators create theirs on their own pages; one button resets them.
admin.site.unregister([TOTPDevice, StaticDevice])
# Its buttons would run and cancel jobs without a support action; `doctor` reports failed jobs.
admin.site.unregister(ProcrastinateJob)


def operator_of(request: HttpRequest) -> User:
    """Return the operator who sent the request."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class RoleFilter(ChoiceFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return Role.choices


@admin.register(User)
class CustomerAdmin(OperatorAdmin[User]):
    list_display = ("email", "role_label", "state", "created_at")
    list_filter = (RoleFilter,)
    ordering = ("email",)
    would_show = "Clients, companies and operators stand here, one row for each account."
    subject_kind = "user"
    views_are_recorded = True
    actions_detail = ("reset_second_factor", "set_fee", "remove_fee")
    search_fields = ("email",)  # shows the search box; `get_search_results` searches
    search_help_text = "Email, id, +phone, start of a name"
    _account = (None, {"fields": ("id", "email", "role_label", "state", "created_at")})
    _records = ("Records", {"fields": ("related", "wallets", "transactions")})
    _limits = ("Limits", {"fields": ("limits",)})
    _fee = ("Fee", {"fields": ("fee",)})
    _access = ("Access", {"fields": ("has_second_factor", "support_actions")})
    _profiles: ClassVar[dict[str, Any]] = {
        Role.CLIENT: ("Client", {"fields": ("full_name", "phone_number")}),
        Role.COMPANY: ("Company", {"fields": ("company", "url", "full_name", "phone_number")}),
    }

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        role = obj.role if obj else ""
        return [
            self._account,
            *(
                [self._profiles[role], self._records, self._limits]
                if role in self._profiles
                else []
            ),
            *([self._fee] if role == Role.COMPANY else []),
            *([self._access] if role == Role.OPERATOR else []),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        user_id = as_uuid(text)
        if user_id:
            return queryset.filter(pk=user_id), False
        if "@" in text:
            return queryset.filter(pk__in=User.objects.with_email(text)), False
        user_ids = customers_by_profile(text, count=MAX_NAME_MATCHES)
        if len(user_ids) == MAX_NAME_MATCHES:
            warning = f"More than {MAX_NAME_MATCHES:,} customers match: these are some of them."
            self.message_user(request, warning, messages.WARNING)
        return queryset.filter(pk__in=user_ids), False

    @display(
        description="role",
        label={
            Role.CLIENT: "info",
            Role.COMPANY: "success",
            OperatorKind.STAFF: "warning",
            OperatorKind.PLATFORM: "warning",
        },
    )
    def role_label(self, user: User) -> str:
        return user.operator_kind or user.role

    @display(description="state", label={"active": "success", "not active": "warning"})
    def state(self, user: User) -> str:
        return "active" if user.is_active else "not active"

    @display(description="name")
    def full_name(self, user: User) -> str:
        profile = _profile(user)
        return f"{profile.first_name} {profile.last_name}"

    @display(description="phone number")
    def phone_number(self, user: User) -> str:
        return str(_profile(user).phone_number)

    @display(description="company")
    def company(self, user: User) -> str:
        return user.company.name

    @display(description="URL")
    def url(self, user: User) -> str:
        return user.company.url or "none"

    @display(description="related records")
    def related(self, user: User) -> SafeString:
        return link("Related records of this customer", "related", "person", user.pk)

    @display(description="second factor")
    def has_second_factor(self, user: User) -> str:
        return "set up" if second_factor.is_set_up(user) else "not set up"

    @display(description="support actions")
    def support_actions(self, user: User) -> SafeString:
        return link(
            "Support actions of this operator", "accounts_supportaction_changelist", q=user.email
        )

    @display(description="wallets")
    def wallets(self, user: User) -> SafeString:
        return link("Wallets of this customer", "wallets_wallet_changelist", q=user.pk)

    @display(description="transactions")
    def transactions(self, user: User) -> SafeString:
        return link("Transactions of this customer", "ledger_transaction_changelist", q=user.pk)

    @display(description="own limits, requests a minute")
    def limits(self, user: User) -> str:
        limits = OwnLimits.objects.filter(user=user).first()
        return str(limits or OwnLimits())

    @display(description="paid for each charge")
    def fee(self, user: User) -> str:
        return fee_text(_fee_of(user))

    def is_available(self, obj: User, action_name: str) -> bool:
        if action_name == "reset_second_factor":
            return obj.role == Role.OPERATOR and second_factor.is_set_up(obj)
        if obj.role != Role.COMPANY or not obj.is_active:
            return False
        return _charging_wallet(obj) is not None and (
            action_name == "set_fee" or _fee_of(obj) is not None
        )

    @action(
        description="Reset the second factor",
        url_path="reset-second-factor",
        icon="phonelink_erase",
        variant=ActionVariant.DANGER,
    )
    def reset_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Reset the second factor of another operator. Operators cannot reset their own."""
        user = self.get_object(request, object_id)
        if user is None or user.role != Role.OPERATOR:
            raise Http404
        operator = operator_of(request)
        if user.pk == operator.pk:
            raise PermissionDenied
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            description = (
                f"{user.email} will log in by the password alone and set up a new second factor."
            )
            return self.confirm_page(
                request,
                user,
                form,
                title="Reset the second factor",
                description=description,
                button="Reset it",
            )
        reason = form.cleaned_data["reason"]
        unit_of_work(
            lambda: second_factor.reset(
                user, actor=operator, reason=reason, address=client_address(request)
            )
        )
        self.message_user(request, "The second factor is reset.", messages.SUCCESS)
        return redirect(page_url("accounts_user_change", user.pk))

    @action(description="Set the fee", url_path="set-fee", icon="percent")
    def set_fee(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what the company pays for each charge, from the next one on."""
        company, wallet = self._company(request, object_id)
        form = FeeForm(
            request.POST if request.method == "POST" else None,
            symbol=wallet.asset_id,
            fee=_fee_of(company),
        )
        if form.is_valid():
            given, reason = form.given(), form.cleaned_data["reason"]
            try:
                unit_of_work(
                    lambda: set_fee(
                        company.pk,
                        percent=given["percent"],
                        fixed=given["fixed"],
                        lowest=given["min"],
                        highest=given["max"],
                        operator=operator_of(request),
                        address=client_address(request),
                        reason=reason,
                    )
                )
            except InvalidInput as refusal:
                for field, errors in refusal.details.items():
                    form.add_error(field, errors)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, "The company pays this fee now.", messages.SUCCESS)
                return redirect(page_url("accounts_user_change", company.pk))
        return self.confirm_page(
            request,
            company,
            form,
            title="Set the fee",
            description=f"{company.company}, {company.email}: every charge from now on.",
            button="Set it",
        )

    @action(
        description="Remove the fee",
        url_path="remove-fee",
        icon="money_off",
        variant=ActionVariant.DANGER,
    )
    def remove_fee(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the company pay nothing for a charge, from the next one on."""
        company, _wallet = self._company(request, object_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self.confirm_page(
                request,
                company,
                form,
                title="Remove the fee",
                description=f"{company.company}, {company.email}: {fee_text(_fee_of(company))}.",
                button="Remove it",
            )
        reason = form.cleaned_data["reason"]
        unit_of_work(
            lambda: remove_fee(
                company.pk,
                operator=operator_of(request),
                address=client_address(request),
                reason=reason,
            )
        )
        self.message_user(request, "The company pays no fee now.", messages.SUCCESS)
        return redirect(page_url("accounts_user_change", company.pk))

    def _company(self, request: HttpRequest, object_id: str) -> tuple[User, Wallet]:
        """Return a company and the wallet that it is paid into. Raises `Http404`."""
        company = self.get_object(request, object_id)
        wallet = company and company.role == Role.COMPANY and _charging_wallet(company)
        if not company or not wallet:
            raise Http404
        return company, wallet


def _charging_wallet(company: User) -> Wallet | None:
    """Return the wallet that charges pay into; None if there is none, or it is closed."""
    try:
        wallet = company_wallet(company.pk)
    except NoWallet:
        return None
    return None if wallet.status == Status.CLOSED else wallet


def _fee_of(company: User) -> Fee | None:
    """Return a company's fee, also of one that has left."""
    return Fee.objects.filter(wallet__owner_id=company.pk).select_related("wallet").first()


def _profile(user: User) -> Client | Company:
    return user.company if user.role == Role.COMPANY else user.client
