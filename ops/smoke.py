"""A cent there and back, over HTTP: whether this service moves money, seen from outside.

It knows the service by its URL and an account of its own, nothing else. All that it has is one
cent, in one of two wallets. Whoever kills it half-way leaves the cent in the other one, where the
next run finds it.
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
    """A step did not do what is promised. Its text is one sentence, without a secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    is_replay: bool


@dataclass(slots=True)
class Session:
    """Calls of one account. `token` comes with the log-in."""

    url: str
    token: str = ""
    #: Keys of this run begin with it.
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def get(self, step: str, path: str) -> Any:
        return self._expect(step, self.call(step, "GET", path)).body

    def post(self, step: str, path: str, body: object, *, key: str | None = None) -> Reply:
        return self._expect(step, self.call(step, "POST", path, body, key=key))

    def call(
        self, step: str, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> Reply:
        """Return the answer, whatever its status. Raises `SmokeError` when there is none."""
        headers = {"Content-Type": "application/json", "X-Request-ID": f"smoke-{self.run}"}
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        if key:
            headers["Idempotency-Key"] = f"smoke-{self.run}-{key}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310
        try:
            with _web().open(request, timeout=TIMEOUT_SECONDS) as response:
                return _reply(response.status, response.headers, response.read())
        except HTTPError as error:
            with error:
                return _reply(error.code, error.headers, error.read())
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise SmokeError(f"{step}: no answer ({reason}).") from error

    def _expect(self, step: str, reply: Reply) -> Reply:
        if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise SmokeError(f"{step}: {_said(reply)}, request smoke-{self.run}.")
        return reply


def smoke(url: str, *, email: str, password: str) -> None:
    """Move a cent there and back and look at each step. Raises `SmokeError`."""
    session = Session(url.rstrip("/"))
    _log_in(session, email, password)
    try:
        here, there = _wallets(session)
        _repair(session, here, there)
        _move(session, "there", here, there)
        _move(session, "back", there, here)
    finally:
        with suppress(SmokeError):
            session.call("log out", "POST", "/client/logout", {})


def _log_in(session: Session, email: str, password: str) -> None:
    credentials = {"email": email, "password": password}
    reply = session.call("log in", "POST", "/client/login", credentials)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # Its first run here. If somebody has the address, the password is wrong.
        reply = session.call(
            "sign up", "POST", "/client/signup", credentials | {"client": _PROFILE}
        )
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise SmokeError(f"log in: {_said(reply)}, request smoke-{session.run}.")
    session.token = reply.body["token"]


def _wallets(session: Session) -> tuple[str, str]:
    """Return the account's two oldest wallets; the first run makes them."""
    found = [
        str(wallet["wallet"])
        for wallet in session.get("list wallets", "/wallet/list")
        if wallet["currency"] == CURRENCY
    ]
    while len(found) < 2:  # noqa: PLR2004
        body = {"currency": CURRENCY}
        made = session.post("make a wallet", "/wallet/create", body, key=f"wallet-{len(found)}")
        found.append(str(made.body["wallet"]))
    return found[0], found[1]


def _repair(session: Session, here: str, there: str) -> None:
    """Put the cent where a run begins: bring it back, or deposit the first one."""
    if _balance(session, there) >= CENT:
        _move(session, "repair", there, here)
    elif _balance(session, here) < CENT:
        deposit = {"wallet": here, "amount": str(CENT)}
        session.post("deposit", "/wallet/deposit", deposit, key="deposit")


def _move(session: Session, step: str, source: str, target: str) -> None:
    """Move the cent, ask for the same again, and look at both balances."""
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


def _require(step: str, promise: str, holds: Callable[[], bool]) -> None:
    if not holds():
        raise SmokeError(f"{step}: it is not true that {promise}.")


def _web() -> OpenerDirector:
    """Return what opens http and https and nothing else, and follows nobody elsewhere."""
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


def _said(reply: Reply) -> str:
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    return f"{reply.status} {code or 'without the documented body'}"
