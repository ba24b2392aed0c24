"""The Content-Security-Policies by path. What no directive allows is forbidden."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

Directives = dict[str, Any]

#: For data (JSON, CSV): nothing may be loaded, and no page may embed it.
DATA: Directives = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}
#: For Swagger UI and Redoc: their own files, the schema, and the calls that Swagger UI makes.
_DOCUMENTATION: Directives = {
    "script-src": [SELF],
    # They set inline styles at run time.
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "worker-src": ["blob:"],
}
#: For django-unfold: inline scripts, and expressions that Alpine evaluates.
_ADMIN: Directives = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
}
#: The page of links: a style sheet and an icon.
_START_PAGE: Directives = {"style-src": [SELF], "img-src": [SELF]}
#: By prefix of the path ("/" alone is the whole path); the first match applies.
PAGES: dict[str, Directives] = {
    "/": _START_PAGE,
    "/admin/": _ADMIN,
    "/api/schema": {},
    "/api/redoc": _DOCUMENTATION,
    "/api/v1/": {},
    "/api": _DOCUMENTATION,
}
