"""Every operation once: who calls it, and a body in which nothing is wrong."""

from dataclasses import dataclass
from typing import Any

from core.unit_of_work import unit_of_work
from tests.factories import (
    PHONE,
    CompanyFactory,
    Holder,
    a_client,
    a_company,
    a_staff_member,
    an_operator,
    api_of,
)
from tests.recorded.recording import NOBODY, Caller, Tape
from wallets.models import Status
from wallets.services import set_status

PASSWORD = "correct-horse-7"
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}
COMPANY = {"name": "Corner Shop", "url": "https://shop.example.com", **PERSON}
LOGIN = {"email": "new@example.com", "password": PASSWORD}
NEW_PASSWORD = {"current_password": "a", "new_password": "battery-staple-9"}


@dataclass(frozen=True)
class Operation:
    """An operation. Braces in its path name ids of the `Callers`; `body` None: it takes none."""

    caller: str
    method: str
    path: str
    body: dict[str, Any] | None = None

    @property
    def is_public(self) -> bool:
        """Whether no token is wanted."""
        return self.caller == "nobody"


class Callers:
    """Who calls at the operations: a client that a company has charged, and one of the staff."""

    def __init__(self, tape: Tape) -> None:
        client, company = a_client(holds="100.00"), a_company(holds="100.00")
        self.callers: dict[str, Caller] = {
            "nobody": tape.nobody(),
            "client": tape.holder("client", client),
            "company": tape.holder("company", company),
            # A platform is counted by no limit.
            "operator": tape.caller("operator", api_of(a_staff_member())),
        }
        self.wallet, self.client = str(client.wallet_id), str(client.user.pk)
        queued = client.api.post("/transaction", {"value": 1}).json["id"]
        of_wallet, ask = {"wallet": self.wallet}, {"summary": "Tea", "amount": 1}
        approval = {**of_wallet, "company": str(company.user.pk)}
        made = {
            "queued": queued,
            "approval": client.api.post("/wallet/approvals", approval).json["approval"],
            "paytoken": client.api.post("/paytokens", of_wallet).json["id"],
            "request": company.api.post("/payment-requests", ask).json["id"],
            "hold": company.api.post("/holds", {**of_wallet, **ask}).json["hold"],
        }
        for word, value in made.items():
            tape.name(word, value)
        self._ids = {
            "wallet": self.wallet,
            "client": self.client,
            "company": str(company.user.pk),
            **made,
        }

    def caller(self, operation: Operation) -> Caller:
        """Return who calls here."""
        return self.callers[operation.caller]

    def path(self, operation: Operation) -> str:
        """Return the operation's path with the ids of this callers."""
        return operation.path.format_map(self._ids)


def operator_of(tape: Tape) -> Caller:
    """Return a new platform."""
    return tape.caller("operator", api_of(an_operator()))


def a_company_without_a_wallet(tape: Tape) -> Caller:
    """Return a new company that nobody opened a wallet for."""
    return tape.caller("company without a wallet", api_of(CompanyFactory.create().user))


def close(holder: Holder) -> None:
    """Close the holder's wallet, which is empty."""
    unit_of_work(
        lambda: set_status(holder.wallet_id, status=Status.CLOSED, reason="Test", actor=None)
    )


def somebody_who_left(tape: Tape) -> tuple[Caller, str]:
    """Return a client whose only wallet is closed, and the wallet's token."""
    leaving = a_client()
    close(leaving)
    return tape.holder("who left", leaving), str(leaving.wallet_id)


def operations(wallet: str = NOBODY, user: str = NOBODY) -> tuple[Operation, ...]:
    """Return every operation, asked about this wallet and this user."""
    pay = {"wallet": wallet, "amount": 1, "summary": "x"}
    cash = {"wallet": wallet, "amount": 1}
    send = {"senderWalletId": wallet, "receiverWalletId": NOBODY, "amount": 1}
    credit = {"userId": user, "assetSymbol": "USD", "amount": 1}
    trade = {"type": "topup", **credit}
    reset = {"uid": NOBODY, "token": "d1abcd-0", "new_password": "battery-staple-9"}
    return (
        Operation("nobody", "POST", "/client/signup", {**LOGIN, "client": PERSON}),
        Operation("nobody", "POST", "/company/signup", {**LOGIN, "company": COMPANY}),
        Operation("nobody", "POST", "/client/login", LOGIN),
        Operation("nobody", "POST", "/company/login", LOGIN),
        Operation("client", "POST", "/client/password", NEW_PASSWORD),
        Operation("company", "POST", "/company/password", NEW_PASSWORD),
        Operation("client", "POST", "/client/logout", {}),
        Operation("client", "POST", "/client/logoutall", {}),
        Operation("company", "POST", "/company/logout", {}),
        Operation("company", "POST", "/company/logoutall", {}),
        Operation("nobody", "POST", "/password/reset", {"email": "ada@example.com"}),
        Operation("nobody", "POST", "/password/reset/confirm", reset),
        Operation("client", "GET", "/me"),
        Operation("client", "GET", "/customer/{client}"),
        Operation("client", "GET", "/customer/{client}/export"),
        Operation("client", "PATCH", "/customer/{client}", {"first_name": "Augusta"}),
        Operation("client", "DELETE", "/customer/{client}"),
        *(
            Operation("operator", method, path, body)
            for path in ("/customer/{client}/limits", "/company/{company}/limits")
            for method, body in (("GET", None), ("PUT", {"writes": 9}), ("DELETE", None))
        ),
        *(
            Operation("operator", method, "/company/{company}/fee", body)
            for method, body in (("PUT", {"percent": "2.5"}), ("GET", None), ("DELETE", None))
        ),
        Operation("client", "POST", "/wallet/create", {"currency": "USD"}),
        Operation("client", "POST", "/wallet/deposit", cash),
        Operation("client", "POST", "/wallet/withdraw", cash),
        Operation(
            "client", "POST", "/wallet/transfer", {"source": wallet, "target": NOBODY, "amount": 1}
        ),
        Operation("client", "GET", "/wallet/info/{wallet}"),
        Operation("client", "PATCH", "/wallet/info/{wallet}", {"label": "Savings"}),
        Operation("client", "POST", "/wallet/freeze", {"wallet": wallet}),
        Operation("client", "GET", "/wallet/list"),
        Operation("client", "GET", "/wallet/approvals"),
        Operation("client", "POST", "/wallet/approvals", {"wallet": wallet, "company": NOBODY}),
        Operation("client", "DELETE", "/wallet/approvals/{approval}"),
        Operation("client", "GET", "/paytokens"),
        Operation("client", "POST", "/paytokens", {"wallet": wallet}),
        Operation("client", "DELETE", "/paytokens/{paytoken}"),
        Operation("client", "GET", "/payment-requests"),
        Operation("client", "POST", "/payment-requests", {"summary": "Tea", "amount": 1}),
        Operation("nobody", "GET", "/payment-requests/{request}"),
        Operation("client", "POST", "/payment-requests/{request}/pay", {"wallet": wallet}),
        Operation("company", "POST", "/payment-requests/{request}/cancel", {}),
        Operation("client", "GET", "/holds"),
        Operation("company", "POST", "/holds", pay),
        Operation("client", "GET", "/holds/{hold}"),
        Operation("company", "POST", "/holds/{hold}/increment", {"amount": 1}),
        Operation("company", "POST", "/holds/{hold}/capture", {"amount": 1}),
        Operation("company", "POST", "/holds/{hold}/void", {}),
        Operation("client", "GET", "/wallet/history/{wallet}"),
        Operation("company", "POST", "/wallet/charge", pay),
        Operation("company", "POST", "/wallet/charges", {"charges": [pay]}),
        Operation("company", "POST", "/wallet/refund", {"transaction": NOBODY, "amount": 1}),
        Operation("client", "POST", "/wallets", {"currency": "USD", "balance": 1}),
        Operation("client", "POST", "/wallets/fund", {"walletId": wallet, "amount": 1}),
        Operation("client", "POST", "/wallets/transfer", send),
        Operation("client", "GET", "/wallets/{wallet}"),
        Operation("client", "POST", "/wallets/{wallet}/deposit", {"amount": 1}),
        Operation("client", "POST", "/wallets/{wallet}/withdraw", {"amount": 1}),
        Operation("client", "GET", "/wallets/{wallet}/statement"),
        Operation("client", "GET", "/wallets/{wallet}/transactions"),
        Operation("operator", "POST", "/api/v1/wallet/topup", credit),
        Operation("operator", "POST", "/api/v1/wallet/bonus", credit),
        Operation("client", "POST", "/api/v1/wallet/spend", credit),
        Operation("operator", "POST", "/api/v1/wallet/group", {"operations": [trade]}),
        Operation("client", "GET", "/api/v1/wallet/balance/{client}/USD"),
        Operation("client", "GET", "/api/v1/wallet/balances/{client}"),
        Operation("client", "GET", "/api/v1/wallet/transactions/{client}"),
        Operation("client", "GET", "/api/v1/wallet/ledger/{client}"),
        Operation("client", "POST", "/transaction", {"value": 1}),
        Operation("client", "GET", "/transaction/{queued}"),
        Operation("client", "GET", "/processor/status"),
        Operation("client", "GET", "/idempotency/some-key"),
        Operation("nobody", "GET", "/api/v1/health"),
        Operation("nobody", "GET", "/assets"),
        Operation("nobody", "GET", "/status"),
    )
