"""A client and a company of a running service, as they sign up and move money over HTTP."""

import uuid
from copy import copy
from typing import Any, Self

import requests

from harness.actors import PERSON, SHOP
from harness.waiting import DEADLINE_SECONDS


class Caller:
    """An account with a token and a wallet, and a connection that is kept."""

    def __init__(self, url: str, role: str, profile: dict[str, str]) -> None:
        self._url = url
        self._session = requests.Session()
        account = {"email": f"{uuid.uuid4()}@example.com", "password": "correct-horse-7"}
        opened = self.post(f"/{role}/signup", {**account, role: profile})
        self.customer = opened.get("customer")
        self._session.headers["Authorization"] = f"Token {opened['token']}"
        self.wallet: str = self.post("/wallet/create", {})["wallet"]

    def at(self, url: str) -> Self:
        """Return the same account as a caller of another host, on a connection of its own."""
        twin = copy(self)
        twin._url = url
        twin._session = requests.Session()
        twin._session.headers.update(self.headers)
        return twin

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": str(self._session.headers["Authorization"])}

    @property
    def balance(self) -> str:
        return f"{self.get(f'/wallet/info/{self.wallet}')['balance']:.2f}"

    def get(self, path: str) -> Any:
        """Return the answer as JSON. Raises `requests.HTTPError` for a refusal."""
        return _json(self.send("GET", path))

    def post(self, path: str, body: object, *, key: str | None = None) -> Any:
        """Return the answer as JSON; `key` is the Idempotency-Key. Raises as `get` does."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return _json(self.send("POST", path, body, **headers))

    def send(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        """Send a request and return the response, whatever its status."""
        return self._session.request(
            method, self._url + path, json=body, headers=headers, timeout=DEADLINE_SECONDS
        )


def a_client(url: str, *, holds: str | None = None) -> Caller:
    """Sign a client up whose wallet holds an amount such as "100.00"."""
    client = Caller(url, "client", PERSON)
    if holds is not None:
        client.post("/wallet/deposit", {"wallet": client.wallet, "amount": holds})
    return client


def a_company(url: str) -> Caller:
    """Sign a company up."""
    return Caller(url, "company", SHOP)


def charge(company: Caller, payer: Caller, amount: str, *, key: str) -> requests.Response:
    """Charge a payer's wallet; `key` is the summary and the Idempotency-Key."""
    body = {"wallet": payer.wallet, "amount": amount, "summary": key}
    return company.send("POST", "/wallet/charge", body, **{"Idempotency-Key": key})


def _json(response: requests.Response) -> Any:
    if not response.ok:
        raise requests.HTTPError(f"{response.status_code}: {response.text}", response=response)
    return response.json()
