"""Permissions by role."""

from typing import ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role
from api.http.authentication import caller_of


class HasRole(IsAuthenticated):
    """The caller has one of `roles`."""

    roles: ClassVar[tuple[Role, ...]]

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and caller_of(request).role in self.roles


class IsHolder(HasRole):
    """A client or a company: the roles that can hold wallets."""

    roles = (Role.CLIENT, Role.COMPANY)


class IsCompany(HasRole):
    roles = (Role.COMPANY,)


class IsOperator(HasRole):
    roles = (Role.OPERATOR,)
