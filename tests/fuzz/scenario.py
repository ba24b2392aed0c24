"""The callers of the schema tests, and the ids that their requests use."""

import re
from typing import Any

from schemathesis import Case

from accounts.models import Role
from tests.factories import a_client, a_company, a_paytoken, an_operator, api_of
from wallets.assets import create_asset

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: The calls of companies and operators; a client makes all other calls.
_OF_ROLE = (
    (
        Role.COMPANY,
        re.compile(
            r"/wallet/(charge|charges|refund)$|/payment-requests/.+/cancel$|/holds$"
            r"|/holds/.+/(capture|increment|void)$"
        ),
    ),
    (Role.OPERATOR, re.compile(r"/api/v1/wallet/(topup|bonus|group)$")),
)
#: What they change of a wallet would keep other calls from succeeding: they get one of their own.
_WITH_A_WALLET_OF_THEIR_OWN = ("POST /wallet/freeze", "PATCH /wallet/info/{token}")
_SYMBOL_FIELDS = ("assetSymbol", "symbol", "currency")
#: Symbols of these lengths are replaced; the others stay as generated.
_SYMBOL_LENGTHS = (1, 2, 3, 5, 7, 9, 11)


class Scenario:
    """A client with money, another one, and a company that has charged the first; an operator.

    The client has an approval and a pay token, the company a payment request and a hold.

    Generated requests have random ids: most of them are replaced by ids of this scenario. A valid
    request stays valid, an invalid one invalid.
    """

    def __init__(self) -> None:
        create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
        client, other = a_client(holds="100000.00"), a_client()
        company, operator = a_company(holds="100.00"), an_operator()
        wallet = str(client.wallet_id)
        paid = company.api.post("/wallet/charge", {"wallet": wallet, "amount": 9, "summary": "x"})
        queued = client.api.post("/transaction", {"value": 1})
        approval = {"wallet": wallet, "company": str(company.user.pk)}
        savings = client.api.post("/wallet/create").json["wallet"]
        self._own_wallet = {"wallet": savings, "token": savings}
        self._tokens = {
            Role.CLIENT: client.api._token,
            Role.COMPANY: company.api._token,
            Role.OPERATOR: api_of(operator)._token,
        }
        of_wallet = dict.fromkeys(
            ("wallet", "token", "wallet_id", "walletId", "source", "senderWalletId"), wallet
        )
        self._ids = {
            **of_wallet,
            **dict.fromkeys(("target", "receiverWalletId"), str(other.wallet_id)),
            **dict.fromkeys(("customer", "customer_id", "user_id", "userId"), str(client.user.pk)),
            "transaction": paid.json["transaction"],
            "queued_id": queued.json["id"],
            "company": str(company.user.pk),
            "approval_id": client.api.post("/wallet/approvals", approval).json["approval"],
            "paytoken_id": client.api.post("/paytokens", {"wallet": wallet}).json["id"],
            "hold_id": company.api.post(
                "/holds", {"wallet": wallet, "amount": 5_000, "summary": "x"}
            ).json["hold"],
            "request_id": company.api.post("/payment-requests", {"summary": "x"}).json["id"],
        }
        self._paytoken = a_paytoken(client, uses=100)
        #: Ids of answers: they are not replaced, so that a request can use them.
        self._answered_ids: set[str] = set()

    def token_for(self, path: str) -> str:
        """Return the token of a caller who may make this call."""
        role = next((role for role, paths in _OF_ROLE if paths.search(path)), Role.CLIENT)
        return str(self._tokens[role])

    def fill_ids(self, case: Case[Any]) -> None:
        """Replace generated ids, pay tokens and symbols by existing ones."""
        has_own = case.operation.label in _WITH_A_WALLET_OF_THEIR_OWN
        ids = {**self._ids, **self._own_wallet} if has_own else self._ids
        for part in ("path_parameters", "body"):
            generated = getattr(case, part)
            filled = self._fill(generated, ids)
            if filled != generated:
                setattr(case, part, filled)

    def record_ids(self, raw: bytes) -> None:
        """Record the ids of an answer."""
        self._answered_ids.update(_UUID.findall(raw.decode()))

    def _fill(self, value: Any, ids: dict[str, str], name: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._fill(part, ids, name) for name, part in value.items()}
        if isinstance(value, list):
            return [self._fill(part, ids, name) for part in value]
        if not isinstance(value, str):
            return value
        if name == "paytoken" and len(value) % 2:
            return self._paytoken
        if name in ids and _UUID.fullmatch(value) and value not in self._answered_ids:
            # A quarter stays as generated: ids that do not exist.
            return value if int(value[-1], 16) % 4 == 0 else ids[name]
        if name in _SYMBOL_FIELDS and len(value) in _SYMBOL_LENGTHS:
            return "USD"
        return value
