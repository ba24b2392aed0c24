"""The form that operators log in to the admin with."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from core import metrics
from core.errors import RateLimited
from core.http.address import address_of
from core.http.ratelimit import spend

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
else:
    from unfold.forms import AuthenticationForm


class LogInForm(AuthenticationForm):
    """Counts towards the same limits as a log-in by the API, before anything is hashed."""

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).lower()

    def get_invalid_login_error(self) -> ValidationError:
        metrics.LOGIN_FAILURES.labels("admin").inc()
        return super().get_invalid_login_error()

    def clean(self) -> dict[str, Any]:
        if self.request is None or "username" not in self.cleaned_data:
            return super().clean()
        address, email = address_of(self.request), self.cleaned_data["username"]
        try:
            spend(self.request, group="login_address", subject=f"address {address}")
            spend(self.request, group="login_account", subject=email)
        except RateLimited as refusal:
            raise ValidationError(str(refusal)) from refusal
        return super().clean()
