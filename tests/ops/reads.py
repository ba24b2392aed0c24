"""Every door that tells what a wallet holds now, and what each of them says."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from harness.callers import Caller


def _info(me: Caller) -> Any:
    return me.get(f"/wallet/info/{me.wallet}")["balance"]


def _history(me: Caller) -> Any:
    return me.get(f"/wallet/history/{me.wallet}?limit=3")[0]["balance"]


def _resource(me: Caller) -> Any:
    wallet = me.get(f"/wallets/{me.wallet}")
    assert wallet["balance"] == wallet["transactions"][0]["balanceAfter"]
    return wallet["balance"]


def _transactions(me: Caller) -> Any:
    page = me.get(f"/wallets/{me.wallet}/transactions?limit=200")
    return sum(Decimal(str(each["amount"])) for each in page["data"])


def _platform(me: Caller) -> Any:
    return me.get(f"/api/v1/wallet/balance/{me.customer}/USD")["balance"]


def _statement(me: Caller) -> Any:
    return me.get(f"/wallets/{me.wallet}/statement")["closingBalance"]


#: What the caller's wallet holds, as each door tells it. At `transactions` it is the sum of the
#: newest 200, which must all be deposits.
DOORS: Mapping[str, Callable[[Caller], Any]] = {
    "info": _info,
    "history": _history,
    "resource": _resource,
    "transactions": _transactions,
    "platform": _platform,
    "statement": _statement,
}
