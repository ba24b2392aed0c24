"""A test over HTTP whether the service moves money: it transfers a cent there and back.

It needs only the URL of the service and a separate account, which has one cent in one of two
wallets. If a run is killed half-way, the cent is in the second wallet, and the next run transfers
it back.
"""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

CENT = Decimal("0.01")
CURRENCY = "USD"
TIMEOUT_SECONDS = 20
_PROFILE = {"first_name": "Smoke", "last_name": "Test", "phone_number": "+34666666666"}


class SmokeError(Exception):
    """A step failed. The text is one sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    is_replay: bool


@dataclass(slots=True)
class Session:
    """The HTTP calls of one account. `token` is set by the log-in."""

    url: str
    token: str = ""
    #: Part of the idempotency keys and request ids of this run.
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def get(self, step: str, path: str) -> Any:
        return self.require_success(step, self.call(step, "GET", path)).body

    def post(self, step: str, path: str, body: object, *, key: str | None = None) -> Reply:
        return self.require_success(step, self.call(step, "POST", path, body, key=key))

    def call(
        self, step: str, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> Reply:
        """Return the response, whatever its status. Raises `SmokeError` without a response."""
        headers = {"Content-Type": "application/json", "X-Request-ID": f"smoke-{self.run}"}
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        if key:
            headers["Idempotency-Key"] = f"smoke-{self.run}-{key}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310
        try:
            with _http_opener().open(request, timeout=TIMEOUT_SECONDS) as response:
                return _reply(response.status, response.headers, response.read())
        except HTTPError as error:
            with error:
                return _reply(error.code, error.headers, error.read())
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise SmokeError(f"{step}: {self.url} does not answer ({reason}).") from error

    def require_success(self, step: str, reply: Reply) -> Reply:
        if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise SmokeError(f"{step}: {_status_and_code(reply)}, request smoke-{self.run}.")
        return reply


def smoke(url: str, *, email: str, password: str) -> None:
    """Transfer a cent there and back and check each step. Raises `SmokeError`."""
    session = Session(url.rstrip("/"))
    _log_in(session, email, password)
    try:
        first, second = _wallets(session)
        _repair(session, first, second)
        _transfer(session, "there", first, second)
        _transfer(session, "back", second, first)
    finally:
        with suppress(SmokeError):
            session.call("log out", "POST", "/client/logout", {})


def _log_in(session: Session, email: str, password: str) -> None:
    credentials = {"email": email, "password": password}
    reply = session.call("log in", "POST", "/client/login", credentials)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # The first run signs up. If the address is taken, the password is wrong.
        reply = session.call(
            "sign up", "POST", "/client/signup", credentials | {"client": _PROFILE}
        )
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise SmokeError(f"log in: {_status_and_code(reply)}, request smoke-{session.run}.")
    session.token = reply.body["token"]


def _wallets(session: Session) -> tuple[str, str]:
    """Return the account's two oldest wallets; the first run creates them."""
    wallets = [
        str(wallet["wallet"])
        for wallet in session.get("list wallets", "/wallet/list")
        if wallet["currency"] == CURRENCY
    ]
    while len(wallets) < 2:  # noqa: PLR2004
        body = {"currency": CURRENCY}
        created = session.post(
            "create a wallet", "/wallet/create", body, key=f"wallet-{len(wallets)}"
        )
        wallets.append(str(created.body["wallet"]))
    return wallets[0], wallets[1]


def _repair(session: Session, first: str, second: str) -> None:
    """Make sure that the first wallet holds the cent: transfer it back, or deposit it."""
    if _balance(session, second) >= CENT:
        _transfer(session, "repair", second, first)
    elif _balance(session, first) < CENT:
        deposit = {"wallet": first, "amount": str(CENT)}
        reply = session.call("deposit", "POST", "/wallet/deposit", deposit, key="deposit")
        if _code(reply) == "cash_by_operators":
            raise SmokeError(
                "deposit: only operators put money into wallets here. Let one put a cent into the"
                " account's first wallet, once."
            )
        session.require_success("deposit", reply)


def _transfer(session: Session, step: str, source: str, target: str) -> None:
    """Transfer the cent, repeat the request, and check both balances."""
    before = [_balance(session, wallet) for wallet in (source, target)]
    body = {"source": source, "target": target, "amount": str(CENT), "summary": "smoke"}

    def transfer() -> Reply:
        return session.post(step, "/wallet/transfer", body, key=step)

    _require(step, "the first answer is new", lambda: not transfer().is_replay)
    _require(step, "the same request is answered again", lambda: transfer().is_replay)
    after = [_balance(session, wallet) for wallet in (source, target)]
    _require(
        step,
        "a cent has moved, once",
        lambda: after == [before[0] - CENT, before[1] + CENT],
    )


def _balance(session: Session, wallet: str) -> Decimal:
    return Decimal(session.get("read a balance", f"/wallet/info/{wallet}")["balance"])


def _require(step: str, condition: str, is_true: Callable[[], bool]) -> None:
    if not is_true():
        raise SmokeError(f"{step}: it is not true that {condition}.")


def _http_opener() -> OpenerDirector:
    """Return an opener for http and https only, which follows no redirects."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        UnknownHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _reply(status: int, headers: Any, raw: bytes) -> Reply:
    try:
        body = json.loads(raw, parse_float=Decimal, parse_int=Decimal) if raw else None
    except ValueError:
        body = None
    return Reply(status, body, headers.get("Idempotent-Replayed") == "true")


def _code(reply: Reply) -> str | None:
    return reply.body.get("code") if isinstance(reply.body, dict) else None


def _status_and_code(reply: Reply) -> str:
    return f"{reply.status} {_code(reply) or 'without the documented body'}"
