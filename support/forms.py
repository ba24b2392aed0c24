"""The forms for the log-in to the admin and for operators' passwords."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import services, support_actions
from accounts.email_addresses import canonical_email
from accounts.errors import InvalidCredentials
from accounts.known_addresses import record_network
from accounts.models import Action, Role, User
from accounts.password_hashing import HashingBusy, hashing_unit_of_work
from api.http.client_address import client_address, client_network
from api.http.rate_limits import count_password_attempt, enforce_rate_limit
from core import metrics
from core.errors import RateLimited
from core.texts import password_form
from core.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
    from django.contrib.admin.forms import AdminPasswordChangeForm as PasswordChangeForm
else:
    from unfold.forms import AdminOwnPasswordChangeForm as PasswordChangeForm
    from unfold.forms import AuthenticationForm


class LogInForm(AuthenticationForm):
    """Applies rate limits as the API's log-in does, each with a count of the admin's own.

    One error for every cause: it does not tell whether there is an account, or whose it is.
    """

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": (
            "None of the staff has this email address and this password. Capitals matter in the"
            " password only."
        ),
    }

    def clean_username(self) -> str:
        try:
            return canonical_email(str(self.cleaned_data["username"]))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def get_invalid_login_error(self) -> ValidationError:
        metrics.LOGIN_FAILURES.labels("admin").inc()
        return super().get_invalid_login_error()

    def clean(self) -> dict[str, Any]:
        if self.request is None or "username" not in self.cleaned_data:
            return super().clean()
        network, email = client_network(self.request), self.cleaned_data["username"]
        try:
            enforce_rate_limit(
                self.request, group="admin_login_address", subject=f"address {network}"
            )
            count_password_attempt(self.request, where="admin_login", account=email)
        except RateLimited as refusal:
            raise ValidationError(str(refusal)) from refusal
        try:
            cleaned = super().clean()
        except HashingBusy as refusal:
            raise ValidationError(str(refusal)) from refusal
        except ValidationError:
            self._record_failure(self.request, email)
            raise
        user = self.get_user()
        if isinstance(user, User):
            try:
                unit_of_work(lambda: services.record_log_in(user, network))
            except InvalidCredentials:
                raise self.get_invalid_login_error() from None
        return cleaned

    def _record_failure(self, request: HttpRequest, email: str) -> None:
        # For operators only: an unknown name may be a password typed into the wrong field.
        operator = User.objects.filter(email=email, role=Role.OPERATOR).first()
        if operator is not None:
            support_actions.record(
                Action.LOG_IN_FAILED,
                actor_id=None,
                subject_kind="user",
                subject_id=operator.pk,
                address=client_address(request),
            )


class CodeForm(forms.Form):
    """A code of the second factor. The field is for six digits, and takes a backup code, too."""

    code = forms.CharField(
        max_length=16,
        widget=UnfoldAdminTextInputWidget(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        return "".join(str(self.cleaned_data["code"]).split()).lower()


class BackupCodeForm(CodeForm):
    """The same with a field for a backup code, which has letters."""

    code = forms.CharField(
        label="Backup code",
        max_length=16,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "off", "autocapitalize": "none", "autofocus": True}
        ),
    )


class PasswordForm(PasswordChangeForm):
    """Changes an operator's own password, with the effects of `services.change_password`."""

    def __init__(self, user: Any, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        try:
            # Before any hashing, as in every form and endpoint that takes a password.
            count_password_attempt(self._request, where="password", account=self.user.email)
        except RateLimited as refusal:
            raise ValidationError(str(refusal)) from refusal
        try:
            return super().clean_old_password()
        except HashingBusy as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean_new_password1(self) -> str:
        return password_form(self.cleaned_data["new_password1"])

    def clean_new_password2(self) -> str:
        """In the form that is stored: the validators look at this one."""
        return password_form(self.cleaned_data["new_password2"])

    def save(self, commit: bool = True) -> Any:
        """Set the password and revoke every token of the account.

        The form has checked the old password. Raises what `services.set_password` does.
        """
        new_password = self.cleaned_data["new_password1"]

        def work() -> User:
            user = services.set_password(self.user, new_password)
            record_network(user, client_network(self._request))
            support_actions.record(
                Action.PASSWORD_SET,
                actor_id=user.pk,
                subject_kind="user",
                subject_id=user.pk,
                address=client_address(self._request),
            )
            return user

        self.user.password = hashing_unit_of_work(work).password
        return self.user
