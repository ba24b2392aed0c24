"""One caller's connection to the service."""

import http.client
import json

from prove.operations import Answer, Operation

#: Longer than the service waits for anything; a worker that stands still is given up.
PATIENCE_SECONDS = 7.0


class Caller:
    """Sends operations over one connection, which it opens again when it has to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def send(self, operation: Operation) -> Answer | None:
        """Return the answer; None when there was none, or only a part of one."""
        headers = {"X-Request-ID": operation.id, **operation.headers}
        if operation.has_key and not operation.key_in_body:
            headers["Idempotency-Key"] = operation.id
        return self.call(operation.method, operation.path, operation.token, operation.body, headers)

    def call(
        self,
        method: str,
        path: str,
        token: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Answer | None:
        """Make one request. Returns the answer; None when there was none."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=PATIENCE_SECONDS
            )
        sent = {"Authorization": f"Token {token}", **(headers or {})}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, content, sent)
            response = self._connection.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        if response.will_close:
            self.close()
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
