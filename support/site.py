"""The admin site: log-in, permissions and the pages of the second factor."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts import support_actions
from accounts.models import Action, User
from accounts.password_hashing import HashingBusy
from api.http.client_address import client_address
from api.http.rate_limits import count_attempt
from core.errors import RateLimited
from core.unit_of_work import unit_of_work
from support import second_factor
from support.forms import BackupCodeForm, CodeForm, PasswordForm

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
else:
    from unfold.sites import UnfoldAdminSite as AdminSite

_protected = [csrf_protect, never_cache]
WRONG_CODE = (
    "That code is wrong, was used before, or came too soon after wrong ones. Wait for the next one."
)


class OwnPasswordView(PasswordChangeView):
    form_class = PasswordForm
    title = "Change password"  # as in the menu

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except HashingBusy as refusal:
            # At a field, because the page shows no errors of the whole form.
            form.add_error("old_password", str(refusal))
            return self.form_invalid(form)


class SupportSite(AdminSite):
    """The admin for operators, with a password and, where required, a second factor."""

    index_template = "admin/dashboard.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[URLPattern] = []

    def add_page(self, route: str, view: Callable[..., HttpResponseBase], *, name: str) -> None:
        """Add a page that belongs to no model. It requires the same permission as the admin."""
        self._pages.append(path(route, self.admin_view(view), name=name))

    def has_permission(self, request: HttpRequest) -> bool:
        user = _operator(request)
        return user is not None and second_factor.is_passed(request, user)

    def get_urls(self) -> list[URLPattern | Any]:
        return [
            path("second-factor/", self.enter_code, name="second_factor"),
            path("second-factor/set-up/", self.set_up, name="second_factor_set_up"),
            path(
                "second-factor/codes/",
                self.admin_view(self.backup_codes),
                name="second_factor_codes",
            ),
            *self._pages,
            *super().get_urls(),
        ]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the log-in form; redirect to the second factor after a correct password."""
        if _operator(request) is not None and not self.has_permission(request):
            return redirect(self._url("second_factor", request))
        response = super().login(request, extra_context)
        user = _operator(request) if request.method == "POST" else None
        if user is not None and response.status_code == 302:  # noqa: PLR2004 (logged in)
            _record(Action.LOG_IN, request, user)
        return response

    def logout(  # type: ignore[override]  # its return type is wider than in the stubs
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = _operator(request)
        if user is not None and request.method == "POST":
            _record(Action.LOG_OUT, request, user)
        return super().logout(request, extra_context)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Change the operator's own password, which revokes all tokens of the account."""
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    @method_decorator(_protected)
    def enter_code(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for a code after the password; redirect to the set-up when there is no device yet."""
        user = _operator(request)
        if user is None:
            return redirect("admin:login")
        if "log_out" in request.POST:
            _record(Action.LOG_OUT, request, user)
            logout(request)
            return redirect("admin:login")
        if second_factor.is_verified(user):
            return redirect(self._next_url(request))
        if not second_factor.is_set_up(user):
            return redirect(self._url("second_factor_set_up", request))
        by_backup_code = "backup" in request.GET
        form = (BackupCodeForm if by_backup_code else CodeForm)(request.POST or None)
        if form.is_valid() and _within_rate_limit(request, user, form):
            code = form.cleaned_data["code"]
            if unit_of_work(lambda: second_factor.verify(request, user, code)):
                return redirect(self._next_url(request))
            form.add_error("code", WRONG_CODE)
        return self._page(
            request,
            "admin/second_factor.html",
            "Second factor",
            form=form,
            by_backup_code=by_backup_code,
        )

    @method_decorator(_protected)
    def set_up(self, request: HttpRequest) -> HttpResponseBase:
        """Show the QR code, check the first code, then show the backup codes once."""
        user = _operator(request)
        if user is None:
            return redirect("admin:login")
        if second_factor.is_set_up(user):
            return redirect(self._url("second_factor", request))
        form = CodeForm(request.POST or None)
        if form.is_valid() and _within_rate_limit(request, user, form):
            code = form.cleaned_data["code"]
            codes = unit_of_work(lambda: second_factor.set_up(request, user, code))
            if codes is not None:
                return self._codes(request, codes)
            form.add_error("code", WRONG_CODE)
        device = unit_of_work(lambda: second_factor.get_or_create_device(user))
        return self._page(
            request,
            "admin/second_factor_set_up.html",
            "Set up the second factor",
            form=form,
            secret=second_factor.secret_of(device),
            qr_code=second_factor.qr_code_of(device),
            is_required=not self.has_permission(request),
        )

    def backup_codes(self, request: HttpRequest) -> HttpResponse:
        """Create new backup codes and show them once; the old ones are deleted."""
        user = _operator(request)
        if user is None or request.method != "POST" or not second_factor.is_verified(user):
            return self._page(request, "admin/second_factor_codes.html", "Second factor", codes=[])
        return self._codes(
            request, unit_of_work(lambda: second_factor.make_backup_codes(request, user))
        )

    def _codes(self, request: HttpRequest, codes: list[str]) -> HttpResponse:
        title = "Backup codes"
        return self._page(request, "admin/second_factor_codes.html", title, codes=codes)

    def _page(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> TemplateResponse:
        context = {
            **self.each_context(request),
            "title": title,
            "next": self._next_url(request),
            REDIRECT_FIELD_NAME: self._next_url(request),
            **context,
        }
        return TemplateResponse(request, template, context)

    def _url(self, name: str, request: HttpRequest) -> str:
        query = request.GET.urlencode()
        return reverse(f"admin:{name}") + (f"?{query}" if query else "")

    def _next_url(self, request: HttpRequest) -> str:
        """Return the requested URL if it is on this host, else the dashboard."""
        url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
        is_same_host = url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        return url if is_same_host else reverse("admin:index")


def _operator(request: HttpRequest) -> User | None:
    """Return the operator who logged in to this session by password, or None."""
    user = request.user
    return user if isinstance(user, User) and user.is_active and user.is_staff else None


def _within_rate_limit(request: HttpRequest, user: User, form: CodeForm) -> bool:
    """Count an attempt at the account's code; add a form error above the limit."""
    try:
        # Known for its password is not known for its codes.
        count_attempt(request, where="code", account=str(user.pk), known=False)
    except RateLimited as refusal:
        form.add_error("code", str(refusal))
        return False
    return True


def _record(action: Action, request: HttpRequest, user: User) -> None:
    support_actions.record(
        action,
        actor_id=user.pk,
        subject_kind="user",
        subject_id=user.pk,
        address=client_address(request),
    )
