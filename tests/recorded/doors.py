"""Every operation once: who calls it, and a body in which nothing is wrong."""

from dataclasses import dataclass
from typing import Any

from tests.factories import PHONE, a_client, a_company, an_operator, api_of
from tests.recorded.recording import NOBODY, Caller, Tape

PASSWORD = "correct-horse-7"
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
COMPANY = {"name": "Corner Shop", "url": "https://shop.example.com", **PERSON}
LOGIN = {"email": "new@example.com", "password": PASSWORD}
NEW_PASSWORD = {"current_password": "a", "new_password": "battery-staple-9"}


@dataclass(frozen=True)
class Door:
    """An operation. Words in braces in its path are ids of the `World`; `body` None: takes none."""

    caller: str
    method: str
    path: str
    body: dict[str, Any] | None = None

    @property
    def is_public(self) -> bool:
        """Whether no token is wanted."""
        return self.caller == "nobody"


class World:
    """Who calls at the doors: a client that a company has charged, and an operator."""

    def __init__(self, tape: Tape) -> None:
        client, company = a_client(holds="100.00"), a_company(holds="100.00")
        self.callers: dict[str, Caller] = {
            "nobody": tape.nobody(),
            "client": tape.holder("client", client),
            "company": tape.holder("company", company),
            "operator": tape.caller("operator", api_of(an_operator())),
        }
        self.wallet, self.client = str(client.wallet_id), str(client.user.pk)
        queued = client.api.post("/transaction", {"value": 1}).json["id"]
        tape.name("queued", queued)
        self._ids = {"wallet": self.wallet, "client": self.client, "queued": queued}

    def caller(self, door: Door) -> Caller:
        """Return who calls here."""
        return self.callers[door.caller]

    def path(self, door: Door) -> str:
        """Return the door's path with the ids of this world."""
        return door.path.format_map(self._ids)


def doors(wallet: str = NOBODY, user: str = NOBODY) -> tuple[Door, ...]:
    """Return every operation, asked about this wallet and this user."""
    pay = {"wallet": wallet, "amount": 1, "summary": "x"}
    cash = {"wallet": wallet, "amount": 1}
    send = {"senderWalletId": wallet, "receiverWalletId": NOBODY, "amount": 1}
    credit = {"userId": user, "assetSymbol": "USD", "amount": 1}
    reset = {"uid": NOBODY, "token": "d1abcd-0", "new_password": "battery-staple-9"}
    return (
        Door("nobody", "POST", "/client/signup", {**LOGIN, "client": PERSON}),
        Door("nobody", "POST", "/company/signup", {**LOGIN, "company": COMPANY}),
        Door("nobody", "POST", "/client/login", LOGIN),
        Door("nobody", "POST", "/company/login", LOGIN),
        Door("client", "POST", "/client/password", NEW_PASSWORD),
        Door("company", "POST", "/company/password", NEW_PASSWORD),
        Door("client", "POST", "/client/logout", {}),
        Door("client", "POST", "/client/logoutall", {}),
        Door("company", "POST", "/company/logout", {}),
        Door("company", "POST", "/company/logoutall", {}),
        Door("nobody", "POST", "/password/reset", {"email": "ada@example.com"}),
        Door("nobody", "POST", "/password/reset/confirm", reset),
        Door("client", "GET", "/customer/{client}"),
        Door("client", "PATCH", "/customer/{client}", {"first_name": "Augusta"}),
        Door("client", "DELETE", "/customer/{client}"),
        Door("client", "POST", "/wallet/create", {"currency": "USD"}),
        Door("client", "POST", "/wallet/deposit", cash),
        Door("client", "POST", "/wallet/withdraw", cash),
        Door(
            "client", "POST", "/wallet/transfer", {"source": wallet, "target": NOBODY, "amount": 1}
        ),
        Door("client", "GET", "/wallet/info/{wallet}"),
        Door("client", "GET", "/wallet/list"),
        Door("client", "GET", "/wallet/history/{wallet}"),
        Door("company", "POST", "/wallet/charge", pay),
        Door("company", "POST", "/wallet/charges", {"charges": [pay]}),
        Door("company", "POST", "/wallet/refund", {"transaction": NOBODY, "amount": 1}),
        Door("client", "POST", "/wallets", {"currency": "USD", "balance": 1}),
        Door("client", "POST", "/wallets/fund", {"walletId": wallet, "amount": 1}),
        Door("client", "POST", "/wallets/transfer", send),
        Door("client", "GET", "/wallets/{wallet}"),
        Door("client", "POST", "/wallets/{wallet}/deposit", {"amount": 1}),
        Door("client", "POST", "/wallets/{wallet}/withdraw", {"amount": 1}),
        Door("client", "GET", "/wallets/{wallet}/statement"),
        Door("client", "GET", "/wallets/{wallet}/transactions"),
        Door("operator", "POST", "/api/v1/wallet/topup", credit),
        Door("operator", "POST", "/api/v1/wallet/bonus", credit),
        Door("client", "POST", "/api/v1/wallet/spend", credit),
        Door("client", "GET", "/api/v1/wallet/balance/{client}/USD"),
        Door("client", "GET", "/api/v1/wallet/balances/{client}"),
        Door("client", "GET", "/api/v1/wallet/transactions/{client}"),
        Door("client", "GET", "/api/v1/wallet/ledger/{client}"),
        Door("client", "POST", "/transaction", {"value": 1}),
        Door("client", "GET", "/transaction/{queued}"),
        Door("client", "GET", "/processor/status"),
        Door("client", "GET", "/idempotency/some-key"),
        Door("nobody", "GET", "/api/v1/health"),
        Door("nobody", "GET", "/status"),
    )
