"""The Content-Security-Policies: what is allowed where. Whatever is not named may load nothing."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

Directives = dict[str, Any]

#: Data: JSON, CSV. Nothing may be loaded, nobody may embed it.
DATA: Directives = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}
#: Swagger UI and Redoc: their own files, the schema, and the calls that Swagger UI tries out.
_DOCUMENTATION: Directives = {
    "script-src": [SELF],
    # They write their styles as they go.
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "worker-src": ["blob:"],
}
#: django-unfold: scripts within its pages, and expressions that Alpine evaluates.
_ADMIN: Directives = {
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
}
#: By the beginning of the path; the first that fits.
PAGES: dict[str, Directives] = {
    "/admin/": _ADMIN,
    "/api/schema": {},
    "/api/redoc": _DOCUMENTATION,
    "/api/v1/": {},
    "/api": _DOCUMENTATION,
}
