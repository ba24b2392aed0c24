"""Middleware that only some paths need, so that the calls of the API pass none of it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

GetResponse = Callable[[HttpRequest], HttpResponseBase]
ViewHook = Callable[..., HttpResponseBase | None]
_HOOKS_LEFT_OUT = ("process_exception", "process_template_response")


class PathMiddleware:
    """Runs the middleware of `PATH_MIDDLEWARE` for the paths that begin with its key.

    The rest of `MIDDLEWARE` follows inside it, as if it stood there itself.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._groups = {
            prefix: _group(names, get_response)
            for prefix, names in settings.PATH_MIDDLEWARE.items()
        }
        self._prefixes = tuple(self._groups)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(self._prefixes):
            return self._get_response(request)
        chain, _ = self._group_of(request)
        return chain(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Let the middleware of the path look at the view that was found (Django's hook)."""
        if request.path_info.startswith(self._prefixes):
            for hook in self._group_of(request)[1]:
                response = hook(request, view, args, kwargs)
                if response is not None:
                    return response
        return None

    def _group_of(self, request: HttpRequest) -> tuple[GetResponse, list[ViewHook]]:
        path = request.path_info
        return next(group for prefix, group in self._groups.items() if path.startswith(prefix))


def _group(names: Iterable[str], get_response: GetResponse) -> tuple[GetResponse, list[ViewHook]]:
    """Return the chain of the middleware, the first outermost, and its `process_view` hooks."""
    chain: Any = get_response
    hooks: list[ViewHook] = []
    for name in reversed(list(names)):
        middleware = import_string(name)(chain)
        if any(hasattr(middleware, hook) for hook in _HOOKS_LEFT_OUT):
            raise ImproperlyConfigured(f"{name} has a hook that {__name__} does not call.")
        hook = getattr(middleware, "process_view", None)
        if hook is not None:
            hooks.insert(0, hook)
        chain = convert_exception_to_response(middleware)
    return chain, hooks
