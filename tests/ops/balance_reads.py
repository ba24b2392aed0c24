"""Every endpoint that returns the current balance of a wallet, and how to read it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from harness.callers import Caller


def _info(caller: Caller) -> Any:
    return caller.get(f"/wallet/info/{caller.wallet}")["balance"]


def _history(caller: Caller) -> Any:
    return caller.get(f"/wallet/history/{caller.wallet}?limit=3")[0]["balance"]


def _resource(caller: Caller) -> Any:
    wallet = caller.get(f"/wallets/{caller.wallet}")
    assert wallet["balance"] == wallet["transactions"][0]["balanceAfter"]
    return wallet["balance"]


def _transactions(caller: Caller) -> Any:
    page = caller.get(f"/wallets/{caller.wallet}/transactions?limit=200")
    return sum(Decimal(str(each["amount"])) for each in page["data"])


def _platform(caller: Caller) -> Any:
    return caller.get(f"/api/v1/wallet/balance/{caller.customer}/USD")["balance"]


def _statement(caller: Caller) -> Any:
    return caller.get(f"/wallets/{caller.wallet}/statement")["closingBalance"]


#: Reads the balance of the caller's wallet from each endpoint. For `transactions` it is the sum of
#: the newest 200, which must all be deposits.
BALANCE_READS: Mapping[str, Callable[[Caller], Any]] = {
    "info": _info,
    "history": _history,
    "resource": _resource,
    "transactions": _transactions,
    "platform": _platform,
    "statement": _statement,
}
