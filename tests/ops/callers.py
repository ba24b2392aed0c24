"""Clients and companies of a running service, over HTTP."""

import uuid
from dataclasses import dataclass
from typing import Any

import requests

from tests.factories import PHONE
from tests.ops.conftest import DEADLINE_SECONDS

PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}


@dataclass(frozen=True)
class Caller:
    """A user with a token and a wallet."""

    url: str
    token: str
    wallet: str

    def get(self, path: str) -> Any:
        answer = _send("GET", self.url, path, None, self.token)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, body: object, **headers: str) -> requests.Response:
        return _send("POST", self.url, path, body, self.token, **headers)

    @property
    def balance(self) -> str:
        return f"{self.get(f'/wallet/info/{self.wallet}')['balance']:.2f}"


def a_client(url: str, *, holds: str) -> Caller:
    client = _sign_up(url, "client", PERSON)
    deposited = client.post("/wallet/deposit", {"wallet": client.wallet, "amount": holds})
    assert deposited.ok, deposited.text
    return client


def a_company(url: str) -> Caller:
    return _sign_up(url, "company", {**PERSON, "name": "Shop", "url": "https://shop.example"})


def charge(company: Caller, payer: Caller, amount: str, *, key: str) -> requests.Response:
    body = {"wallet": payer.wallet, "amount": amount, "summary": key}
    return company.post("/wallet/charge", body, **{"Idempotency-Key": key})


def _sign_up(url: str, role: str, profile: dict[str, str]) -> Caller:
    account = {"email": f"{uuid.uuid4()}@example.com", "password": "correct-horse-7"}
    session = _send("POST", url, f"/{role}/signup", {**account, role: profile}, None)
    assert session.ok, session.text
    token = session.json()["token"]
    wallet = _send("POST", url, "/wallet/create", {}, token).json()["wallet"]
    return Caller(url, token, wallet)


def _send(
    method: str, url: str, path: str, body: object, token: str | None, **headers: str
) -> requests.Response:
    if token:
        headers["Authorization"] = f"Token {token}"
    return requests.request(
        method, url + path, json=body, headers=headers, timeout=DEADLINE_SECONDS
    )
