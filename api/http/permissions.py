"""Permissions by role."""

from typing import ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role
from api.http.authentication import caller_of
from commerce.cash import require_cash_allowed


class HasRole(IsAuthenticated):
    """The caller has one of `roles`."""

    roles: ClassVar[tuple[Role, ...]]

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and caller_of(request).role in self.roles


class IsHolder(HasRole):
    """A client or a company: the roles that can hold wallets."""

    roles = (Role.CLIENT, Role.COMPANY)


class MovesCash(IsAuthenticated):
    """Whoever may deposit and withdraw by `WALLET_SERVICE_CASH`; of which wallets comes later.

    Raises `CashByOperators`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        require_cash_allowed(caller_of(request))
        return True


class IsCompany(HasRole):
    roles = (Role.COMPANY,)


class IsOperator(HasRole):
    roles = (Role.OPERATOR,)


class IsCompanyOrOperator(HasRole):
    roles = (Role.COMPANY, Role.OPERATOR)
