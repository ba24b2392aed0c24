"""Which role may call."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Role


class IsHolder(BasePermission):
    """A client or a company: whoever can hold wallets of their own."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user is not None and request.user.role in (Role.CLIENT, Role.COMPANY)


class IsCompany(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user is not None and request.user.role == Role.COMPANY


class IsOperator(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user is not None and request.user.role == Role.OPERATOR
