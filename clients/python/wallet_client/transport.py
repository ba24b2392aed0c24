"""How a call travels: JSON whose numbers are exact decimals both ways."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from wallet_client.models import ErrorBody

Answer = TypeVar("Answer")


class Refused(Exception):
    """The service said no. Switch on `code`; `body` is all it said, `details` its data."""

    def __init__(self, body: ErrorBody, retry_after_seconds: int | None) -> None:
        super().__init__(f"{body.statusCode} {body.code}: {body.message}")
        self.body = body
        self.code = body.code
        self.status = body.statusCode
        self.details = body.details
        #: When to come back, if the service said so (429 and 503).
        self.retry_after_seconds = retry_after_seconds


class UnexpectedAnswer(Exception):
    """What came back is not what this version of the service answers: a proxy's page, say."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} from {response.url}")
        self.response = response


class Transport:
    """Sends calls over one pool of connections; threads may share it.

    Its calls raise `Refused`, `UnexpectedAnswer`, and `httpx.TransportError` when no answer came.
    After the last one a call with an idempotency key can be sent again as it was.
    """

    def __init__(
        self, base_url: str, token: str | None = None, *, timeout_seconds: float = 30
    ) -> None:
        self.token = token
        self._http = httpx.Client(base_url=base_url, timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: msgspec.Struct | None = None,
        key: str | None = None,
        dry_run: bool = False,
        query: Mapping[str, object] | None = None,
    ) -> Answer:
        headers = {"Accept": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if dry_run:
            headers["Dry-Run"] = "true"
        if body is not None:
            headers["Content-Type"] = "application/json"
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        response = self._http.request(
            method, path, params=given, headers=headers, content=_encoded(body)
        )
        try:
            if response.is_success:
                # No content is the answer of what answers nothing, and of nothing else.
                return _decoded(response.content or b"null", answer)
            error = _decoded(response.content, ErrorBody)
        except msgspec.DecodeError as wrong:
            raise UnexpectedAnswer(response) from wrong
        retry_after = response.headers.get("Retry-After")
        raise Refused(error, int(retry_after) if retry_after else None)


def part(value: UUID | str) -> str:
    """Return a value as one part of a path."""
    return quote(str(value), safe="")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _encoded(body: msgspec.Struct | None) -> bytes | None:
    """Return the body as JSON, money as a text of plain digits: `Decimal("1E+2")` is "100"."""
    if body is None:
        return None
    values = msgspec.to_builtins(body, builtin_types=(Decimal,))
    return json.dumps(values, default=lambda money: format(money, "f")).encode()


def _decoded(content: bytes, kind: type[Answer]) -> Answer:
    """Return the answer. Numbers of which the schema knows nothing are exact as well."""
    answer: Answer = msgspec.json.Decoder[Any](kind, float_hook=Decimal).decode(content)
    return answer
