"""A client of the HTTP API, through Django's handler and all of its middleware."""

import json
from decimal import Decimal
from typing import Any

from django.test import Client

#: The fields of every error's body.
ERROR_FIELDS = {
    "statusCode",
    "timestamp",
    "path",
    "error",
    "message",
    "code",
    "details",
    "requestId",
}


class Api:
    """Sends and parses JSON; numbers become exact decimals. `as_(token)` sends that token."""

    def __init__(self, token: str | None = None) -> None:
        self._client = Client(raise_request_exception=False)
        self._token = token

    def as_(self, token: str) -> "Api":
        return Api(token)

    def get(self, path: str, **headers: str) -> "Reply":
        return self._call("GET", path, b"", headers)

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> "Reply":
        """Send `body` as JSON; bytes are sent unchanged. `key` is the Idempotency-Key."""
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._call("POST", path, raw, headers)

    def call(self, method: str, path: str, raw: bytes = b"", **headers: str) -> "Reply":
        return self._call(method, path, raw, headers)

    def _call(self, method: str, path: str, raw: bytes, headers: dict[str, str]) -> "Reply":
        if self._token is not None:
            headers.setdefault("Authorization", f"Token {self._token}")
        content_type = headers.pop("Content-Type", "application/json")
        response = self._client.generic(
            method, path, raw, content_type=content_type, headers=headers
        )
        return Reply(response)


class Reply:
    """A response: `status`, `headers`, the `raw` bytes and the parsed `json`."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.raw: bytes = b"".join(response) if response.streaming else response.content

    @property
    def json(self) -> Any:
        return json.loads(self.raw, parse_float=Decimal)

    @property
    def code(self) -> str:
        """The error's code; the body must have the documented shape of an error."""
        body = self.json
        assert set(body) == ERROR_FIELDS, body
        assert body["statusCode"] == self.status
        return str(body["code"])
