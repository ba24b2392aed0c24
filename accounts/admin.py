"""Customers for support: who they are, never how they log in."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from knox.models import AuthToken
from phonenumber_field.phonenumber import to_python as to_phone_number

from accounts.models import Client, Company, Role, User
from core.admin import ChoiceFilter, OperatorAdmin, as_uuid, display, link

#: How many customers of a name are looked at.
NAMESAKES = 1_000

# Nobody gives rights by group here, and nobody has business with tokens.
admin.site.unregister(Group)
admin.site.unregister(AuthToken)


def operator_of(request: HttpRequest) -> User:
    """Return who is using the admin."""
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
    list_display = ("email", "role_label", "is_active", "created_at")
    list_filter = (RoleFilter,)
    ordering = ("email",)
    search_fields = ("email",)  # makes the box appear; `get_search_results` decides
    search_help_text = "Email, id, +phone, start of a name"
    _account = (None, {"fields": ("id", "email", "role_label", "is_active", "created_at")})
    _leads_to = ("What they have", {"fields": ("wallets", "transactions")})
    _profiles: ClassVar[dict[str, Any]] = {
        Role.CLIENT: ("Client", {"fields": ("full_name", "phone_number")}),
        Role.COMPANY: ("Company", {"fields": ("company", "url", "full_name", "phone_number")}),
    }

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        role = obj.role if obj else ""
        return [
            self._account,
            *([self._profiles[role], self._leads_to] if role in self._profiles else []),
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
            return queryset.filter(email=text.lower()), False
        found = _people(text)
        if len(found) == NAMESAKES:
            some = f"There are more than {NAMESAKES:,} such names: these are some of them."
            self.message_user(request, some, messages.WARNING)
        return queryset.filter(pk__in=found), False

    @display(
        description="role",
        label={Role.CLIENT: "info", Role.COMPANY: "success", Role.OPERATOR: "warning"},
    )
    def role_label(self, user: User) -> str:
        return user.role

    @display(description="name")
    def full_name(self, user: User) -> str:
        person = _person(user)
        return f"{person.first_name} {person.last_name}"

    @display(description="phone number")
    def phone_number(self, user: User) -> str:
        return str(_person(user).phone_number)

    @display(description="company")
    def company(self, user: User) -> str:
        return user.company.name

    @display(description="URL")
    def url(self, user: User) -> str:
        return user.company.url

    @display(description="wallets")
    def wallets(self, user: User) -> SafeString:
        return link("Wallets of this customer", "wallets_wallet_changelist", q=user.pk)

    @display(description="transactions")
    def transactions(self, user: User) -> SafeString:
        return link("Transactions of this customer", "ledger_transaction_changelist", q=user.pk)


def _person(user: User) -> Client | Company:
    return user.company if user.role == Role.COMPANY else user.client


def _people(text: str) -> list[uuid.UUID]:
    """Return the ids of whom this is the phone number, or whose names begin with these words.

    Neither has an index: this reads the profiles, as far as a statement may take.
    """
    phone_number = to_phone_number(text)
    if phone_number and phone_number.is_valid():
        wanted = Q(phone_number=phone_number)
    else:
        wanted = Q()
        for word in text.split():
            wanted &= Q(first_name__istartswith=word) | Q(last_name__istartswith=word)
    clients = Client.objects.filter(wanted).values_list("pk", flat=True)
    companies = Company.objects.filter(wanted | Q(name__istartswith=text))
    found = [*clients[:NAMESAKES], *companies.values_list("pk", flat=True)[:NAMESAKES]]
    return found[:NAMESAKES]
