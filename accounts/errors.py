"""The refusals of accounts."""

from core.errors import NotAuthenticated, NotFound, PermissionDenied, StateConflict


class EmailTaken(StateConflict):
    recorded = False
    code = "email_taken"
    message = "There is an account with this email address already."


class InvalidCredentials(NotAuthenticated):
    code = "invalid_credentials"
    message = "Email address or password is wrong."


class PlatformHasNoPassword(PermissionDenied):
    message = "A platform never has a password: staff are made under an email address of their own."


class AccountErased(StateConflict):
    code = "account_erased"
    message = "This account has been erased."


class CustomerNotFound(NotFound):
    message = "There is no such customer."


class CompanyNotFound(NotFound):
    message = "There is no such company."
