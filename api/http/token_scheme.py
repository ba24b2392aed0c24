"""The security scheme of the tokens, for the schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "api.http.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        description = "The token alone: it is sent as `Bearer <t>`. `Token <t>` does the same."
        return {"type": "http", "scheme": "bearer", "description": description}
